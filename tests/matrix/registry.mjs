// Serves the packages in a folder as an npm registry on loopback, so that the matrix installs them by name, as
// users do. Requests for other packages are redirected to another registry: registry.mjs FOLDER UPSTREAM
//
// Prints its URL on the first line and exits when its standard input closes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [folder, upstream] = process.argv.slice(2);
const packages = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".tgz"))) {
  const path = join(folder, file);
  const manifest = JSON.parse(execFileSync("tar", ["-xOzf", path, "package/package.json"]).toString());
  packages.set(manifest.name, { file, manifest, bytes: readFileSync(path) });
}

// A release has packages for all platforms. Those that were not built here are empty.
const empty = mkdtempSync(join(tmpdir(), "registry-"));
mkdirSync(join(empty, "package"));
const parents = ["replicant", "replicant-emulator"];
const { version } = packages.get("replicant").manifest;
const platforms = parents.flatMap((name) => Object.keys(packages.get(name).manifest.optionalDependencies));
for (const name of platforms.filter((name) => !packages.has(name))) {
  const [os, cpu, libc] = name.replace(/^replicant-(emulator-)?/, "").split("-");
  const manifest = { name, version, os: [os], cpu: [cpu] };
  if (os === "linux") manifest.libc = [libc === "gnu" ? "glibc" : "musl"];
  writeFileSync(join(empty, "package/package.json"), JSON.stringify(manifest));
  const bytes = execFileSync("tar", ["-czf", "-", "-C", empty, "package"]);
  packages.set(name, { file: "empty.tgz", manifest, bytes });
}
rmSync(empty, { recursive: true });

const server = createServer((request, response) => {
  const { pathname, search } = new URL(request.url, "http://registry");
  const [, name, rest] = pathname.split("/");
  const found = packages.get(name);
  if (found === undefined) {
    response.writeHead(302, { location: upstream.replace(/\/$/, "") + pathname + search }).end();
  } else if (rest === undefined) {
    const { file, manifest, bytes } = found;
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const tarball = `http://${request.headers.host}/${name}/${file}`;
    const entry = { ...manifest, _id: `${name}@${manifest.version}`, dist: { tarball, integrity } };
    response.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        name,
        "dist-tags": { latest: manifest.version },
        versions: { [manifest.version]: entry },
      }),
    );
  } else {
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(found.bytes);
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
process.stdin.resume().on("end", () => process.exit());
