// What the modules of every page hand to one another. A browser never asks for it.

/** A message of the stream. */
export interface Message {
  id: string;
  /** empty where only the place in the stream is told */
  topic: string;
  data: any;
}

export type Status = "waiting" | "live" | "polling" | "off";

/** What tabs say to one another: a message of the stream, where the stream stands, or a question for that. */
export interface News {
  message?: Message;
  status?: Status;
  lastId?: string;
  isAsking?: boolean;
}

/** Everything that tests set. */
export interface LiveSettings {
  /** where the server is; empty in a page */
  base: string;
  silenceMs: number;
  /** the first wait; it doubles */
  retryMs: number;
  mostRetryMs: number;
  pollMs: number;
  /** failures in a row until it polls */
  patience: number;
}

/** How a stream is followed. */
export interface Following {
  url: string;
  /** what was heard last, empty at first */
  lastId: string;
  /** ends it */
  signal: AbortSignal;
  /** how long nothing, not even a heartbeat, may come */
  silenceMs: number;
  onOpen: () => void;
  onMessage: (message: Message) => void;
}
