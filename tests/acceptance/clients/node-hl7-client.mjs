// Sends the messages of standard input, {port, messages}, on one connection, and prints [[MSA-1, MSA-2], …] for each of them.
import { Batch, Client, Message } from "node-hl7-client";
import { readInput, print } from "./io.mjs";

const { port, messages } = readInput();
let heard = () => {};
const client = new Client({ host: "127.0.0.1", version: "2.4" });
const connection = client.createConnection({ port }, (response) => heard(response.getMessage()));

const answers = [];
for (const text of messages) {
  const batch = text.startsWith("BHS") ? new Batch({ text }) : null;
  // It takes the response to a batch apart, and hands over its acknowledgements one by one.
  const awaited = batch ? batch.messages().length : 1;
  const acks = [];
  await new Promise((resolve, reject) => {
    heard = (ack) => acks.push(ack) === awaited && resolve();
    connection.sendMessage(batch ?? new Message({ text })).catch(reject);
  });
  answers.push(acks.map((ack) => [ack.get("MSA.1").toString(), ack.get("MSA.2").toString()]));
}
await connection.close();
print(answers);
