// Sends the messages of standard input, {port, messages}, on one connection, and prints [[MSA-1, MSA-2], …] for each of them.
import hl7 from "simple-hl7";
import { readInput, print } from "./io.mjs";

const { port, messages } = readInput();
const client = hl7.Server.createTcpClient({ host: "127.0.0.1", port, keepalive: true });
const send = (message) =>
  new Promise((resolve, reject) => client.send(message, (error, ack) => (error ? reject(error) : resolve(ack))));

const answers = [];
for (const message of messages) {
  // A batch is no message to its parser, so that it is sent as text.
  const ack = await send(message.startsWith("MSH") ? new hl7.Parser({ segmentSeperator: "\r" }).parse(message) : message);
  answers.push(ack.getSegments("MSA").map((msa) => [msa.getField(1), msa.getField(2)]));
}
client.close();
print(answers);
