/// <reference lib="esnext.disposable" />
import type { Config, ErrorCode, Events, EventsMethods, IdentityInfo, Info, Methods } from "./api.js";

export * from "./api.js";

/** The version of this package. */
export const version: string;

export interface CallOptions {
  /** Cancels the call if it waits; its promise is then rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface ServerOptions {
  /** The path of status1to1-rpc. By default it is looked for. */
  binary?: string;
  /** The working directory: relative paths of a configuration begin there. */
  cwd?: string;
  /** Log methods, durations and error codes to stderr. */
  log?: boolean;
}

/** An event of one type. */
export type EventOf<K extends keyof Events> = {
  /** Rises from event to event; 0 if the event is not stored. */
  seq: number;
  type: K;
  /** When it was emitted, ms since 1970. */
  at: number;
  data: Events[K];
};

/** An event. Later versions may have more types: pass over those that are unknown. */
export type Event = { [K in keyof Events]: EventOf<K> }[keyof Events];

/** What a call failed with. Decide by code; the message is for people. */
export class Status1to1Error extends Error {
  readonly code: ErrorCode;
  readonly category: string;
  readonly retryable: boolean;
  /** The path of the field at fault, or "". */
  readonly field: string;
  readonly details: Record<string, unknown>;
}

/** The events of a client, and events.ack. */
export interface EventStream extends EventsMethods {
  /**
   * The events, until the client closes. An event is acknowledged when the next one is asked for,
   * unless ack is false: call events.ack then, or no more come after a thousand.
   */
  (options?: { ack?: boolean; signal?: AbortSignal }): AsyncGenerator<Event, void, void>;
}

/** An open client. */
export interface Client extends Omit<Methods, "events"> {}
export class Client {
  private constructor();
  /** The identity that was in the store, or null. */
  readonly storedIdentity: IdentityInfo | null;
  /** Calls a method by its name. */
  call(method: string, params?: object, options?: CallOptions): Promise<unknown>;
  readonly events: EventStream;
  /**
   * Has listener called for each event of a type, one after the other: the event is acknowledged
   * when what the listener returned is settled. Use this or events(), not both.
   */
  on<K extends keyof Events>(type: K, listener: (data: Events[K], event: EventOf<K>) => unknown): this;
  on(type: "*", listener: (data: unknown, event: Event) => unknown): this;
  /**
   * Has listener called with what another listener failed with, and when the server has ended
   * unasked. Without such a listener that is an uncaught exception.
   */
  on(type: "error", listener: (error: unknown) => unknown): this;
  once<K extends keyof Events>(type: K, listener: (data: Events[K], event: EventOf<K>) => unknown): this;
  off(type: keyof Events | "*" | "error", listener: (...args: never[]) => unknown): this;
  /** Closes the client; the event "closed" is its last. Twice is no error. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running status1to1-rpc. Several clients may be open in it. */
export class Server {
  constructor(options?: ServerOptions);
  /** The process id of the server; undefined if it did not start. */
  readonly pid: number | undefined;
  open(config: Config, options?: CallOptions): Promise<Client>;
  info(): Promise<Info & { rpc_version: number }>;
  /** The OpenRPC document of the API. */
  schema(): Promise<Record<string, unknown>>;
  /** Closes all clients and ends the server; resolves when it has ended. */
  close(): Promise<void>;
}

/** Opens a client in a server of its own, which ends with it. */
export function open(config: Config, options?: ServerOptions & CallOptions): Promise<Client>;
