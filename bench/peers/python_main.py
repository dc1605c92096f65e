"""Entry of the process of the official Python runner: the same tools as tools.ts, all sessions in one process."""

import asyncio
import json
import os
import sys

from anthropic import AsyncAnthropic
from anthropic.lib.tools import beta_async_tool
from anthropic.lib.tools.agent_toolset import AgentToolContext, beta_agent_toolset_20260401


@beta_async_tool
async def noop() -> str:
    """does nothing"""
    return "done"


@beta_async_tool
async def pause(ms: int) -> str:
    """takes its time"""
    await asyncio.sleep(ms / 1000)
    return "rested"


@beta_async_tool
async def answer(bytes: int) -> str:
    """answers much"""
    return "x" * bytes


async def serve(client: AsyncAnthropic, session_id: str, folder: str) -> None:
    workdir = os.path.join(folder, "workspaces", session_id)
    os.makedirs(workdir, exist_ok=True)
    tools = [*beta_agent_toolset_20260401(AgentToolContext(workdir=workdir)), noop, pause, answer]
    runner = client.beta.sessions.events.tool_runner(session_id, tools=tools, max_idle=3600)
    async for call in runner:
        if not call.posted:
            print(f"{call.name}: not posted", flush=True)


async def main() -> None:
    given = json.loads(sys.argv[1])
    client = AsyncAnthropic(api_key="bench", base_url=given["apiUrl"])
    serving = [asyncio.create_task(serve(client, one, given["folder"])) for one in given["sessionIds"]]
    print("runner ready", flush=True)
    await asyncio.gather(*serving)


asyncio.run(main())
