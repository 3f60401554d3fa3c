/** The types of the protocol's messages, made from docs/asyncapi.json: `node frames.mjs > frames.d.ts`. */

import { readFile } from "node:fs/promises";

import { compile } from "json-schema-to-typescript";

const document = JSON.parse(await readFile(new URL("../../docs/asyncapi.json", import.meta.url), "utf8"));
const { messages, schemas } = document.components;
/** A union of the messages that `wanted` picks. */
const union = (title, wanted) => ({ title, oneOf: Object.keys(messages).filter(wanted).map(named) });
const named = (name) => ({ $ref: `#/components/schemas/${name}` });
// The conditions between fields (`dependentSchemas`) have no like in types.
for (const schema of Object.values(schemas)) delete schema.dependentSchemas;

const types = await compile(
  {
    components: { schemas },
    type: "object",
    properties: {
      client: union("ClientFrame", (name) => name.startsWith("Client")),
      answer: union("Answer", (name) => name.endsWith("Answer")),
      event: union("RoomEvent", (name) => name.endsWith("Event")),
      refusal: union("Refusal", (name) => name.endsWith("Refusal")),
    },
  },
  "Frames",
  { additionalProperties: false, bannerComment: "", format: false },
);
process.stdout.write(`declare namespace Wire {\n${types}\n}\n`);
