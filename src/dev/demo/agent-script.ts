/** What the demo's agent does: it mends a project until its tests pass, releases it and tells four customers. */
import type { Agent } from '../../emulator/agent.ts';
import type { CallResult } from '../../emulator/calls.ts';
import { newId } from '../../emulator/ids.ts';
import { appendEffect, FOLDER_VARIABLE, mailEffect } from './effects.ts';
import { EDITS, SOURCE, SOURCE_FILE, TEST_FILE, TESTS } from './project.ts';

/** A call that the agent has made. */
export interface PlannedCall {
  readonly id: string;
  readonly name: string;
  /** What it does, for people; at most 17 characters. */
  readonly what: string;
  /** Its line in the effects ledger; undefined for a call that leaves none. */
  readonly effect: string | undefined;
}

export interface AgentScript {
  readonly script: (agent: Agent) => Promise<void>;
  /** Grows as the agent makes its calls. */
  readonly made: readonly PlannedCall[];
  /** Whether the last run of the tests passed. */
  testsPassed(): boolean;
}

type Step = Omit<PlannedCall, 'id'> & { readonly input: object };

/** The command that is running when the worker is killed. */
export const LONG_SECONDS = 4;

const CUSTOMERS = ['ada', 'ben', 'cleo', 'dan'];

/** @param onCall is told what the agent does next. */
export function createAgentScript(onCall: (what: string) => void): AgentScript {
  const made: PlannedCall[] = [];
  let passed = false;

  const script = async (agent: Agent): Promise<void> => {
    const calls = (steps: readonly Step[]): Promise<CallResult[]> => {
      const [first] = steps;
      const others = steps.length > 1 ? ` and ${steps.length - 1} more at once` : '';
      if (first !== undefined) onCall(`${first.name} ${first.what}${others}`);
      const planned = steps.map(({ input, ...step }) => ({ input, call: { ...step, id: newId('sevt') } }));
      made.push(...planned.map(({ call }) => call));
      return agent.calls(planned.map(({ input, call }) => ({ name: call.name, id: call.id, input })));
    };
    const works = async (...steps: Step[]) => {
      const results = await calls(steps);
      agent.expect(results, { is_error: false });
      return results;
    };
    let runs = 0;
    const test = async (passing: number, failing: number) => {
      runs++;
      const effect = `test run ${runs}`;
      const results = await calls([bash('node --test', `${appendEffect(effect)}; node --test`, effect)]);
      agent.expect(results, {
        includes: [`pass ${passing}\n`, `fail ${failing}\n`],
        is_error: failing > 0,
      });
      passed = failing === 0;
    };
    const [first, second] = EDITS;

    await agent.say('I write the project and run its tests.');
    await works(
      file('write', SOURCE_FILE, { content: SOURCE }),
      file('write', TEST_FILE, { content: TESTS }),
    );
    await test(1, 2);
    agent.expect(await works(file('read', SOURCE_FILE)), { includes: 'sum + item.price,' });
    await works(file('edit', SOURCE_FILE, first));
    await test(2, 1);
    await works(file('edit', SOURCE_FILE, second));
    await test(3, 0);
    await agent.say('The tests pass: I release it.');
    agent.expect(await works(release()), { includes: ['releasing', 'released'] });
    await works(...CUSTOMERS.map(mail));
    await test(3, 0);
    await agent.say('Released; four customers know.');
  };
  return { script, made, testsPassed: () => passed };
}

function file(name: 'write' | 'read' | 'edit', path: string, input: object = {}): Step {
  return { name, what: path, effect: undefined, input: { file_path: path, ...input } };
}

function bash(what: string, command: string, effect: string): Step {
  return { name: 'bash', what, effect, input: { command } };
}

/** Silent while it sleeps: writing to a dead runner's pipe would end the shell, and hide what it does later. */
function release(): Step {
  const effect = 'release';
  const command =
    `echo releasing; touch "$${FOLDER_VARIABLE}/begun"; sleep ${LONG_SECONDS}; ` +
    `${appendEffect(effect)}; echo released`;
  return bash(`release (${LONG_SECONDS} s)`, command, effect);
}

function mail(to: string): Step {
  return { name: 'send_mail', what: to, effect: mailEffect(to), input: { to } };
}
