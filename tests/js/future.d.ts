/**
 * Messages that the page understands and no server sends yet, written by hand: hosts' powers and moderation. They go
 * when docs/asyncapi.json has them. What the page takes in is what is sent today or these.
 */
declare namespace Wire {
  interface RoomNotice {
    type: "SERVER_ROOM_NOTICE";
    status?: true;
    roomID: number;
    message: string;
    seq: number;
    at: number;
    participants: number;
    ref?: string;
  }
  type FutureError = "room_locked" | "banned" | "muted";
  type With<Kind> = Kind extends { error: unknown } ? Omit<Kind, "error"> & { error: Kind["error"] | FutureError } : never;

  type Entered = ServerRoomCreateAnswer | ServerRoomJoinAnswer;
  /** A message that may be asked for these fields before it is known which one it is; those it lacks are undefined. */
  type Asked<Kind, Names extends string> = Kind extends unknown
    ? Kind & { [Name in Exclude<Names, keyof Kind>]?: undefined }
    : never;
  type IncomingEvent = Asked<RoomEvent | RoomNotice, "status" | "ref">;
  type IncomingRefusal = Asked<With<Refusal>, "roomID" | "field" | "retryAfter" | "ref">;
  type Incoming = Asked<Answer | IncomingRefusal | IncomingEvent, "status" | "ref" | "roomID">;
  type Sent = Asked<ClientFrame, "roomID" | "userName" | "ref" | "after">;
  /** Some fields of an event of one type. */
  type Fields<Type extends IncomingEvent["type"]> = Partial<Extract<IncomingEvent, { type: Type }>>;
}
