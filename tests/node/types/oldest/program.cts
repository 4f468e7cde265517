// Every entry point in CommonJS, where the declarations of ES modules cannot be imported. Compiled, not run.
import Replicate = require("replicate");

import { Emulator, type Fault } from "replicate/testing";
import { useEmulator } from "replicate/testing/node";
import { useEmulator as useEmulatorInVitest } from "replicate/testing/vitest";
import * as webhooks from "replicate/webhooks";
import * as express from "replicate/webhooks/express";
import * as fastify from "replicate/webhooks/fastify";
import * as hono from "replicate/webhooks/hono";
import * as next from "replicate/webhooks/next";

const limited: Fault = { match: {}, action: { status: 429, problem: true, retry_after: 1 } };
const lost: Fault = { match: {}, action: { text: "no", reset: true, unprocessed: true } };

async function run(signal: AbortSignal | null): Promise<string> {
  const replicate = new Replicate();
  for await (const event of replicate.stream("a/b", { input: {}, signal })) if (event.data) return event.data;
  const { results }: Replicate.Page<Replicate.Model> = await replicate.models.list({ signal });
  return (await replicate.run<Replicate.FileOutput>("a/b", { input: { results }, signal })).toString();
}

void [limited, lost, run, Emulator, useEmulator, useEmulatorInVitest];
void [webhooks, express, fastify, hono, next];
