// Sends the messages of standard input, {port, messages}, on one connection, and prints [[MSA-1, MSA-2], …] for each of them.
import { Hl7Message } from "@medplum/core";
import { Hl7Client } from "@medplum/hl7";
import { readInput, print } from "./io.mjs";

const { port, messages } = readInput();
const client = new Hl7Client({ host: "127.0.0.1", port });
// All at once: this client tells acknowledgements apart by MSA-2.
const acks = await Promise.all(messages.map((message) => client.sendAndWait(Hl7Message.parse(message), { timeoutMs: 30_000 })));
await client.close();
print(acks.map((ack) => [[ack.getSegment("MSA").getField(1).toString(), ack.getSegment("MSA").getField(2).toString()]]));
