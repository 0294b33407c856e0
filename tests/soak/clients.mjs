/**
 * Clients of the live streams that come and go: half of them Server-Sent Events, half WebSocket. Each keeps the id of
 * its last event, resumes by it, and counts what it got, so that its share of the log can be checked at the end.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

/** What all clients did together. */
export const totals = { deliveries: 0, connections: 0, resumes: 0, cutByServer: 0, errors: 0, /** @type {string[]} */ faults: [] };

/** @param {string} text */
export function fault(text) {
  totals.errors += 1;
  if (totals.faults.length < 50) totals.faults.push(text);
}

const between = (/** @type {number} */ a, /** @type {number} */ b) => a + Math.random() * (b - a);

export class Client {
  /** @param {number} number @param {number} port @param {"sse" | "ws"} kind @param {"live" | "slow" | "stuck"} manner @param {boolean} filtered */
  constructor(number, port, kind, manner, filtered) {
    Object.assign(this, { number, port, kind, manner, filtered, open: false, ending: false });
    this.name = `client ${number} (${kind}, ${manner}${filtered ? ", filtered" : ""})`;
    /** Where it began, where it is, and what it got in between. */
    this.epoch = "";
    this.from = -1;
    this.last = -1;
    this.count = 0;
    this.sum = 0;
  }

  begin() {
    this.timer = setTimeout(() => this.connect(), between(0, 5000));
  }

  connect() {
    if (this.ending) return;
    totals.connections += 1;
    this.rest = Buffer.alloc(0);
    this.headers = false;
    /** A WebSocket may ask for its place on the open connection; what comes before the answer does not count. */
    this.asks = this.kind === "ws" && !this.filtered && this.last >= 0 && Math.random() < 0.3;
    this.skipsFrom = -1;
    this.again = -1;
    const socket = (this.socket = connect(this.port, "127.0.0.1"));
    const cursor = this.last < 0 || this.asks ? "" : `${this.epoch}:${this.last}`;
    if (this.last >= 0) totals.resumes += 1;
    this.resumed = cursor !== "";
    const query = this.filtered ? "?types=command:*" : "";
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n`;
    socket.once("connect", () => {
      this.open = true;
      socket.write(this.kind === "sse"
        ? `GET /sse${query} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${cursor && `Last-Event-ID: ${cursor}\r\n`}\r\n`
        : `GET /ws${query}${cursor && `${query ? "&" : "?"}last_event_id=${cursor}`} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n${upgrade}\r\n`);
    });
    socket.on("data", (data) => this.take(data));
    socket.on("error", () => {});
    socket.once("close", () => this.closed(socket));
    const stays = this.manner === "live" ? between(3, 90) : between(20, 120);
    this.timer = setTimeout(() => this.leave(), stays * 1000);
    if (this.manner === "stuck") this.stop = setTimeout(() => socket.pause(), 1000);
  }

  /** Goes without a word, as networks do; or in order. */
  leave() {
    this.left = true;
    clearTimeout(this.timer);
    if (this.kind === "ws" && Math.random() < 0.5) {
      this.send(0x8, Buffer.from([3, 232]));
      this.socket?.end();
      setTimeout((socket) => socket?.destroy(), 1000, this.socket);
    } else this.socket?.destroy();
  }

  closed(socket) {
    if (socket !== this.socket) return;
    clearTimeout(this.timer);
    clearTimeout(this.stop);
    if (this.open && !this.left) totals.cutByServer += 1;
    this.open = false;
    this.left = false;
    this.over?.();
    if (!this.ending) this.timer = setTimeout(() => this.connect(), between(50, 4000));
  }

  /** For the end: reads all there is, from now on like everybody. */
  hurry() {
    this.manner = "live";
    clearTimeout(this.stop);
    clearTimeout(this.timer);
    this.socket?.resume();
    if (!this.open) this.connect();
    clearTimeout(this.timer);
  }

  /** For good. */
  async end() {
    this.ending = true;
    clearTimeout(this.timer);
    if (!this.open) return;
    const over = new Promise((done) => (this.over = () => done(undefined)));
    this.leave();
    await over;
  }

  /** @param {number} opcode @param {Buffer} body short */
  send(opcode, body) {
    if (!this.socket?.writable) return;
    const mask = randomBytes(4);
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | body.length]), mask, body.map((byte, i) => byte ^ mask[i % 4])]));
  }

  /** @param {Buffer} data */
  take(data) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    if (!this.headers) {
      const end = this.rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = this.rest.toString("latin1", 0, end);
      const wanted = this.kind === "sse" ? " 200 " : " 101 ";
      if (!head.slice(0, 20).includes(wanted)) return void (fault(`${this.name}: ${head.slice(0, 60)}`), this.socket.destroy());
      this.chunked = /transfer-encoding: chunked/i.test(head);
      this.headers = true;
      this.text = "";
      this.rest = this.rest.subarray(end + 4);
    }
    if (this.kind === "sse") this.takeSse();
    else this.takeFrames();
    if (this.manner === "slow") {
      this.socket.pause();
      clearTimeout(this.stop);
      this.stop = setTimeout((socket) => socket.resume(), 700, this.socket);
    }
  }

  takeSse() {
    if (!this.chunked) {
      this.text += this.rest.toString("latin1");
      this.rest = this.rest.subarray(this.rest.length);
    }
    for (;;) {
      const end = this.chunked ? this.rest.indexOf("\r\n") : -1;
      if (end < 0) break;
      const length = parseInt(this.rest.toString("latin1", 0, end), 16);
      if (this.rest.length < end + 2 + length + 2) break;
      this.text += this.rest.toString("latin1", end + 2, end + 2 + length);
      this.rest = this.rest.subarray(end + 2 + length + 2);
    }
    const blocks = this.text.split("\n\n");
    this.text = /** @type {string} */ (blocks.pop());
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block);
      const id = /^id: ([0-9a-f]{8}):(\d+)$/m.exec(block);
      if (data) this.hear(data[1], id);
      // The beat of a filtered stream moves the place on.
      else if (id && Number(id[2]) >= this.last) this.last = Number(id[2]);
    }
  }

  takeFrames() {
    for (;;) {
      if (this.rest.length < 2) return;
      const opcode = this.rest[0] & 15;
      let [length, at] = [this.rest[1] & 127, 2];
      if (length === 126) [length, at] = [this.rest.length < 4 ? Infinity : this.rest.readUInt16BE(2), 4];
      else if (length === 127) [length, at] = [this.rest.length < 10 ? Infinity : Number(this.rest.readBigUInt64BE(2)), 10];
      if (this.rest.length < at + length) return;
      const body = this.rest.subarray(at, at + length);
      this.rest = this.rest.subarray(at + length);
      if (opcode === 1) this.hear(body.toString("latin1"), null);
      else if (opcode === 9) this.send(0xa, Buffer.from(body));
      else if (opcode === 8 && !this.left) this.socket.end();
    }
  }

  /** @param {string} json @param {RegExpExecArray | null} sse the frame's id */
  hear(json, sse) {
    const id = /^\{"id":(\d+),/.exec(json);
    if (!id) return this.hearConnection(json);
    const number = Number(id[1]);
    if (sse && Number(sse[2]) !== number) fault(`${this.name}: the frame says ${sse[2]}, the event ${number}`);
    if (this.skipsFrom >= 0) {
      if (number > this.skipsFrom) return;
      this.skipsFrom = -1;
    }
    if (this.again >= 0 && number > this.again && number <= this.last) return void (this.again = number);
    this.again = -1;
    if (number <= this.last) return fault(`${this.name}: ${number} after ${this.last}`);
    this.last = number;
    this.count += 1;
    this.sum = (this.sum + number * 31) % 1_000_003;
    totals.deliveries += 1;
  }

  /** @param {string} json */
  hearConnection(json) {
    const type = /^\{"type":"([a-z]+)"/.exec(json)?.[1];
    if (type === "init") {
      const [epoch, head] = [/"epoch":"([0-9a-f]+)"/.exec(json)?.[1] ?? "", Number(/"last_event_id":(\d+)/.exec(json)?.[1])];
      if (this.resumed) fault(`${this.name}: init where it had a place`);
      if (this.last < 0) [this.epoch, this.from, this.last] = [epoch, head, head];
      // An init may stand a little before what this client saw on its connection before: what is behind its id follows.
      else if (head < this.last) this.again = head;
      // Asked for only where something was missed: what came live before the server heard it comes again.
      else if (this.asks && head > this.last) {
        this.skipsFrom = head;
        this.send(0x1, Buffer.from(JSON.stringify({ type: "resume", last_event_id: `${this.epoch}:${this.last}` })));
      }
    } else if (type === "reset" || type === "gap") fault(`${this.name}: ${json.slice(0, 80)}`);
  }
}
