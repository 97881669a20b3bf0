import { methods } from "./methods.js";

/** How many events that are not stored are kept for a program that does not read them. */
const MAX_UNSTORED = 1000;

/** An open client: client.messages.send({...}), client.events(), client.close(). */
export class Client {
  #server;
  #handle;
  #queue = [];
  #unstored = 0;
  #waiting = [];
  #over = false;
  #failure = null;
  #listeners = new Map();
  #feeding = false;
  #closing = null;
  #ownsServer = false;

  constructor(server, { client, identity }) {
    this.#server = server;
    this.#handle = client;
    /** The identity that was in the store, or null. */
    this.storedIdentity = identity;
    for (const [noun, verbs] of Object.entries(methods)) {
      const calls = verbs.map((verb) => [verb, (params, options) => this.call(`${noun}.${verb}`, params, options)]);
      // client.events is the stream of events and has events.ack.
      const group = noun === "events" ? (options) => this.#events(options) : {};
      Object.defineProperty(this, noun, { value: Object.freeze(Object.assign(group, Object.fromEntries(calls))) });
    }
  }

  /** Calls a method by its name. */
  call(method, params = {}, options = {}) {
    return this.#server.request(method, { ...params, client: this.#handle }, options);
  }

  /** Has the server end with this client. */
  ownServer() {
    this.#ownsServer = true;
    return this;
  }

  /**
   * The events, until the client closes. An event is acknowledged when the next one is asked for,
   * unless ack is false.
   */
  async *#events({ ack = true, signal } = {}) {
    for (let event; (event = await this.#nextEvent(signal)) !== null; ) {
      yield event;
      if (ack && event.seq > 0) {
        this.#server.notify("events.ack", { client: this.#handle, up_to: event.seq });
      }
    }
  }

  /** Has listener(data, event) called for each event of a type, "*" for all, one after the other. */
  on(type, listener) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
    if (!this.#feeding && type !== "error") {
      this.#feeding = true;
      this.#feed();
    }
    return this;
  }

  off(type, listener) {
    const all = this.#listeners.get(type) ?? [];
    const at = all.indexOf(listener);
    this.#listeners.set(type, all.filter((_, i) => i !== at));
    return this;
  }

  once(type, listener) {
    const wrapped = (...args) => {
      this.off(type, wrapped);
      return listener(...args);
    };
    return this.on(type, wrapped);
  }

  /** Closes the client; the event "closed" is its last. Twice is no error. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    try {
      if (!this.#failure) {
        await this.#server.request("close", { client: this.#handle });
      }
    } finally {
      this.#server.forget(this.#handle);
      this.#finish(null);
      if (this.#ownsServer) {
        await this.#server.close();
      }
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose")]() {
    await this.close();
  }

  /** Takes an event from the server. */
  deliver(event) {
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting.resolve(event);
    } else {
      this.#queue.push(event);
      if (event.seq === 0 && ++this.#unstored > MAX_UNSTORED) {
        this.#queue.splice(this.#queue.findIndex((e) => e.seq === 0), 1);
        this.#unstored--;
      }
    }
    if (event.type === "closed") {
      this.#finish(null);
    }
  }

  /** Ends the events: nothing comes any more. failure is null if that was asked for. */
  serverEnded(failure) {
    this.#failure = failure;
    this.#finish(failure);
  }

  #finish(failure) {
    this.#over = true;
    for (const waiting of this.#waiting.splice(0)) {
      failure ? waiting.reject(failure) : waiting.resolve(null);
    }
  }

  /** The next event, or null after the last. Waiting for it keeps the process running. */
  async #nextEvent(signal) {
    signal?.throwIfAborted();
    const event = this.#queue.shift();
    if (event) {
      this.#unstored -= event.seq === 0 ? 1 : 0;
      return event;
    }
    if (this.#failure) {
      throw this.#failure;
    }
    if (this.#over) {
      return null;
    }
    const waiting = {};
    const promise = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }));
    const abort = () => {
      this.#waiting = this.#waiting.filter((w) => w !== waiting);
      waiting.reject(signal.reason);
    };
    this.#waiting.push(waiting);
    signal?.addEventListener("abort", abort, { once: true });
    this.#server.hold();
    try {
      return await promise;
    } finally {
      this.#server.release();
      signal?.removeEventListener("abort", abort);
    }
  }

  async #feed() {
    try {
      for await (const event of this.events()) {
        await this.#tell(event);
      }
    } catch (error) {
      this.#fail(error); // the server has ended
    }
  }

  async #tell(event) {
    for (const type of [event.type, "*"]) {
      for (const listener of this.#listeners.get(type) ?? []) {
        try {
          await listener(event.data, event);
        } catch (error) {
          this.#fail(error);
        }
      }
    }
  }

  /** Has the listeners of "error" called. Without one it is an uncaught exception, as for an EventEmitter. */
  #fail(error) {
    const listeners = this.#listeners.get("error") ?? [];
    for (const listener of listeners) {
      listener(error);
    }
    if (listeners.length === 0) {
      process.nextTick(() => { throw error; });
    }
  }
}
