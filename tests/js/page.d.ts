/** The shapes that the page's modules share (rooms/static/rooms/store.js): its state, lines and events. */
declare namespace Page {
  interface Line {
    kind:
      | "chat" | "entered" | "join" | "exit" | "away" | "back" | "earlier" | "gap" | "notice"
      | "mute" | "lock" | "unlock" | "slow" | "topic" | "transfer";
    key?: string;
    at: number;
    seq?: number;
    nickname?: string;
    tag?: string;
    message?: string;
    reason?: string;
    by?: "host" | "moderator";
    /** How long a mute lasts, or how often one may speak in slow mode. */
    seconds?: number;
    replyTo?: number;
    /** By whom it was taken back, if it was. */
    removed?: "author" | "host" | "moderator";
    flying?: boolean;
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
    /** This person's reactions by line. */
    mine: Record<number, Wire.Reaction[]>;
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
    topic: string;
    locked: boolean;
    slow: number;
    saidAt: number;
    hold: number;
    mutedUntil: number;
    seq: number | null;
    after: number | null;
    restoring: boolean;
    restored: number;
    snapshot: number;
    filling: boolean;
    heard: number;
    lines: Line[];
    replyTo: number | null;
    reactions: Record<number, Partial<Record<Wire.Reaction, number>>>;
    asked: Record<string, { what: Asking; frame: Wire.Sent; at: number }>;
    told: Told | null;
    blocks: Wire.BlockedPerson[] | null;
    closed: { reason: string; by: "host" | "moderator" | null } | null;
    problem: string | null;
    outgoing: Wire.Sent[];
  }
  type Asking =
    | "kick" | "mute" | "transfer" | "blocks" | "lift" | "lock" | "slow" | "topic" | "takeBack" | "react" | "report";
  /** What became of something that was asked. */
  interface Told {
    what: Asking;
    error: string | null;
    field?: string | null;
    retryAfter?: number | null;
    frame?: Wire.Sent;
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
    | { type: "reply"; line: number | null }
    | { type: "ask"; what: Asking; values?: unknown[]; now: number }
    | { type: "free"; now: number }
    | ({ type: "hide" } & Person)
    | { type: "unhide"; tag: string };
  interface Change {
    line?: (message: any) => Partial<Line> | null;
    change?: (state: State, message: any) => State;
    again?: (state: State, message: any) => State;
  }
  /** What each event of a room shows and changes (events.js). */
  type Changes = {
    [Type in Wire.IncomingEvent["type"]]?: {
      line?: (message: Extract<Wire.IncomingEvent, { type: Type }>) => Partial<Line> | null;
      change?: (state: State, message: Extract<Wire.IncomingEvent, { type: Type }>) => State;
      again?: (state: State, message: Extract<Wire.IncomingEvent, { type: Type }>) => State;
    };
  };
}
