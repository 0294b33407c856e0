/** The log as the API tells it, page by page: against it everything else is held. */
import { fault } from "./clients.mjs";
import { ask } from "./load.mjs";

const pause = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));

export class Log {
  /** @param {number} port */
  constructor(port) {
    this.port = port;
    this.head = 0;
    /** Ids in order, and whether the event is a command's. */
    this.ids = /** @type {number[]} */ ([]);
    this.commands = /** @type {boolean[]} */ ([]);
    /** How often each of the writer's rows is in it. */
    this.rows = new Map();
    this.highest = 0;
    this.turn = Promise.resolve();
  }

  /** Takes over all there is by now. */
  read() {
    this.turn = this.turn.then(() => this.#read());
    return this.turn;
  }

  async #read() {
    for (;;) {
      const { status, text } = await ask(this.port, `/api/events?after=${this.head}&limit=1000`);
      if (status !== 200) return fault(`the log: ${status} ${text.slice(0, 100)}`);
      const { events } = JSON.parse(text);
      for (const { id, type, payload, source } of events) {
        if (id <= this.head) fault(`the log: ${id} after ${this.head}`);
        this.head = id;
        this.ids.push(id);
        this.commands.push(type.startsWith("command:"));
        const row = source === "csv" && /^soak (\d+) /.exec(payload.message ?? "");
        if (row) {
          this.rows.set(Number(row[1]), (this.rows.get(Number(row[1])) ?? 0) + 1);
          this.highest = Math.max(this.highest, Number(row[1]));
        }
      }
      if (events.length < 1000) return;
    }
  }

  /** Until the writer's rows are in it. @param {number} count @param {number} patience in ms */
  async reaches(count, patience) {
    for (const end = Date.now() + patience; Date.now() < end;) {
      await this.read();
      if (this.rows.size >= count) return true;
      await pause(100);
    }
    fault(`of ${count} rows written the log holds ${this.rows.size} after ${patience} ms`);
    return false;
  }

  /** What does not hold of the writer's rows. @param {number} written */
  checkRows(written) {
    const [lost, doubled] = [[], []];
    for (let n = 1; n <= written; n += 1) {
      const count = this.rows.get(n) ?? 0;
      if (count === 0) lost.push(n);
      if (count > 1) doubled.push(n);
    }
    if (lost.length) fault(`${lost.length} rows are not in the log: ${lost.slice(0, 10)}`);
    if (doubled.length) fault(`${doubled.length} rows are there more than once: ${doubled.slice(0, 10)}`);
    return { lost: lost.length, doubled: doubled.length };
  }

  /** Whether a client got just what lies between where it began and where it is. @param {import("./clients.mjs").Client} client */
  checkClient(client) {
    let [count, sum] = [0, 0];
    for (let at = 0; at < this.ids.length; at += 1) {
      const id = this.ids[at];
      if (id <= client.from || id > client.last || (client.filtered && !this.commands[at])) continue;
      count += 1;
      sum = (sum + id * 31) % 1_000_003;
    }
    if (count !== client.count || sum !== client.sum) fault(`${client.name}: ${client.count} events from ${client.from} to ${client.last}, the log has ${count}`);
  }
}
