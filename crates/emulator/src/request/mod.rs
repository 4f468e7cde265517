//! Requests as handlers see them: the call, its JSON body, and pages of lists.

mod body;
mod call;
mod page;

pub(crate) use body::{BodyReader, is_web_url};
pub(crate) use call::{Call, ReadBody, Reply, Scheme, empty, json, ok, origin};
pub(crate) use page::{Order, page};
