/** The messages of docs/asyncapi.json, grouped as the page meets them. */
declare namespace Wire {
  type Reaction = "like" | "heart" | "laugh" | "wow" | "sad" | "clap";
  type Entered = ServerRoomCreateAnswer | ServerRoomJoinAnswer;
  /** A message that may be asked for these fields before it is known which one it is; those it lacks are undefined. */
  type Asked<Kind, Names extends string> = Kind extends unknown
    ? Kind & { [Name in Exclude<Names, keyof Kind>]?: undefined }
    : never;
  type IncomingEvent = Asked<RoomEvent, "status" | "ref">;
  type IncomingRefusal = Asked<Refusal, "roomID" | "field" | "retryAfter" | "ref">;
  type Incoming = Asked<Answer | IncomingRefusal | IncomingEvent, "status" | "ref" | "roomID">;
  type Sent = Asked<ClientFrame, "roomID" | "userName" | "ref" | "after">;
  /** Some fields of an event of one type. */
  type Fields<Type extends IncomingEvent["type"]> = Partial<Extract<IncomingEvent, { type: Type }>>;
}
