//! Requests as handlers see them: the call, its JSON body, and pages of lists.

mod body;
mod call;
mod page;

pub(crate) use body::BodyReader;
pub(crate) use call::{Call, ReadBody, Reply, empty, json, ok};
pub(crate) use page::{Item, Order, page};
