/** The shapes that the page's modules share (rooms/static/rooms/store.js): its state, lines and events. */
declare namespace Page {
  interface Line {
    kind: "chat" | "entered" | "join" | "exit" | "away" | "back" | "earlier" | "gap" | "notice";
    key?: string;
    at: number;
    seq?: number;
    nickname?: string;
    tag?: string;
    message?: string;
    reason?: string;
    status?: "sending" | "failed" | "said";
    ref?: string;
    sentAt?: number | null;
    error?: string | null;
  }
  interface Row {
    key?: string;
    line?: Line;
    lines?: Line[];
    follows?: boolean;
  }
  interface Person {
    nickname: string;
    tag: string;
  }
  interface Kept {
    roomID: number | null;
    from: number | null;
    pending: Line[];
    hidden: Person[];
  }
  interface Start {
    session: string;
    roomID?: number | null;
    roomName?: string;
    canCreate?: boolean;
    listed?: boolean;
    nickname?: string;
    kept?: Kept | null;
  }
  interface State extends Kept {
    session: string;
    refs: number;
    roomName: string;
    canCreate: boolean;
    listed: boolean;
    nickname: string;
    phase: "asking" | "entering" | "in" | "closed" | "left";
    refusal: { error: string; field: string | null } | null;
    wait: { ms: number } | null;
    entry: string | null;
    tries: number;
    connection: { status: "connecting" | "open" | "waiting" | "ended"; retryAt?: number; code?: number };
    joined: boolean;
    leaving: boolean;
    me: Person | null;
    host: string;
    closesAt: number | null;
    offset: number;
    participants: number;
    members: Wire.Member[];
    locked: boolean;
    seq: number | null;
    after: number | null;
    restoring: boolean;
    restored: number;
    snapshot: number;
    filling: boolean;
    heard: number;
    lines: Line[];
    closed: { reason: string } | null;
    problem: string | null;
    outgoing: Wire.Sent[];
  }
  type Event =
    | { type: "server"; message: Wire.Incoming; now: number }
    | { type: "connected" | "connecting" | "again" | "look" | "leave" | "remove" }
    | { type: "waiting"; retryAt: number }
    | { type: "ended"; code: number }
    | { type: "nickname"; nickname: string }
    | { type: "say"; message: string; now: number }
    | { type: "retry"; ref: string; now: number }
    | { type: "drop"; ref: string }
    | ({ type: "hide" } & Person)
    | { type: "unhide"; tag: string };
  /** What each event of a room shows and changes (events.js). */
  type Changes = {
    [Type in Wire.IncomingEvent["type"]]?: {
      line?: (message: Extract<Wire.IncomingEvent, { type: Type }>) => Partial<Line>;
      change?: (state: State, message: Extract<Wire.IncomingEvent, { type: Type }>) => State;
      again?: (state: State, message: Extract<Wire.IncomingEvent, { type: Type }>) => State;
    };
  };
}
