//! Values on their way across the boundary: JSON text, and beside it the parts that JSON cannot hold, each with its path.
//! `node/src/value.ts` is the other half.

mod from_js;
mod to_json;

pub(crate) use self::{
    from_js::from_js,
    to_json::{Answer, item, to_json},
};
