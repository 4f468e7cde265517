// A Worker that plays conformance cases.
import { connect } from "../../node/dist/web/core.mjs";
import module from "../../node/dist/web/replicant.wasm";
import Replicate from "../../node/web/workerd.mjs";
import { play } from "../node/support/play.mjs";

const { native } = connect(() => module)("native");
const build = { Replicate, File, drain: () => native.drain() };

export default {
  async fetch(request) {
    const { one, names } = await request.json();
    try {
      await play(one, build, names);
      return Response.json({});
    } catch (error) {
      return Response.json({ failed: error.stack });
    }
  },
};
