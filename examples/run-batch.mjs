#!/usr/bin/env node
// Starts a batch on a running server, shows what its agents do, and ends as the batch does: 0 when
// it was completed, 1 otherwise. For cron, CI, or a button of your own; needs nothing but Node.js 18.
//
//   examples/run-batch.mjs [http://127.0.0.1:8080] [BATCH_SIZE | all]
//
// With a token: SPRINT_RUNNER_TOKEN=… examples/run-batch.mjs

const base = (process.argv[2] ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
const size = process.argv[3] ?? '1';
const token = process.env.SPRINT_RUNNER_TOKEN;
const own = token ? { authorization: `Bearer ${token}` } : {};

/** Every event from now on, over any number of broken connections. */
async function* events() {
  let last = null;
  for (;;) {
    try {
      const headers = last === null ? own : { ...own, 'last-event-id': last };
      const response = await fetch(`${base}/sse`, { headers });
      let rest = '';
      for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + bytes).split('\n');
        rest = lines.pop();
        for (const line of lines) {
          if (line.startsWith('id: ')) last = line.slice(4);
          if (line.startsWith('data: ')) yield JSON.parse(line.slice(6));
        }
      }
    } catch (error) {
      console.error(`no connection (${error.message}); trying again`);
    }
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function start() {
  const response = await fetch(`${base}/api/orchestrator/start`, {
    method: 'POST',
    headers: { ...own, 'content-type': 'application/json' },
    body: JSON.stringify({ batch_size: size }),
  });
  const answer = await response.json();
  if (!response.ok) {
    console.error(`not started: ${answer.error}`);
    process.exit(1);
  }
  return answer.batch_id;
}

let batch = null;
for await (const { type, batch_id: of, payload } of events()) {
  // The stream is open before the batch is: none of its events can be missed.
  if (type === 'init' && batch === null) {
    batch = await start();
    console.log(`batch ${batch} started`);
  } else if (batch === null || (of ?? payload?.batch_id) !== batch) {
    continue;
  } else if (type === 'agent:start') {
    console.log(`${payload.command}: ${(payload.story_keys ?? []).join(', ')}`);
  } else if (type === 'batch:end') {
    console.log(`batch ${batch} ended: ${payload.status}`);
    process.exit(payload.status === 'completed' ? 0 : 1);
  }
}
