// Validates the resources of standard input, {name: resource}, and prints {name: [what is wrong]}.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { Fhir } = createRequire(import.meta.url)("fhir");
const validator = new Fhir();

const problems = (resource) => {
  const { messages } = validator.validate(resource, { errorOnUnexpected: true });
  return messages
    .filter(({ severity }) => severity === "error" || severity === "fatal")
    .map(({ location, message }) => `${location}: ${message}`);
};

const samples = JSON.parse(readFileSync(0, "utf8"));
const found = Object.entries(samples).map(([name, resource]) => [name, problems(resource)]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
