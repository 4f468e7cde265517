//! Replaces the record of predictions that are not known to be canceled, which nobody reads on the web.

use super::Client;

pub(super) type Uncanceled = ();

impl Client {
    pub(crate) fn add_uncanceled(&self, _: Option<&str>) {}

    pub(crate) fn remove_uncanceled(&self, _: Option<&str>) {}
}
