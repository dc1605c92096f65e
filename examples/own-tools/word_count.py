"""An exec tool: the call's input comes as JSON on standard input, what is printed is the result."""

import json
import sys
from collections import Counter

call = json.load(sys.stdin)
if "file" in call:
    # Tools start in the session's workspace.
    with open(call["file"], encoding="utf-8") as file:
        text = file.read()
elif "text" in call:
    text = call["text"]
else:
    # The exit status makes it an error; the agent reads what stands on standard error.
    sys.exit("give a text or a file")

words = text.lower().split()
print(f"counted {len(words)} words", file=sys.stderr)  # goes into the call's log
common = ", ".join(f"{word} ({n})" for word, n in Counter(words).most_common(3))
print(json.dumps({"content": [{"type": "text", "text": f"{len(words)} words; most often: {common}"}]}))
