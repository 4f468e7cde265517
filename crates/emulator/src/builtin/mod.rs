//! Models for tests, `emulator/...`: each produces one kind of output, failure or delay on request.

mod echo;
mod endless;
mod fails;
mod progress;
mod stream;

use std::sync::Arc;

use crate::model::BuiltIn;

pub(crate) fn all() -> Vec<Arc<dyn BuiltIn>> {
    vec![
        Arc::new(echo::Echo),
        Arc::new(fails::Fails),
        Arc::new(endless::Endless),
        Arc::new(progress::Progress),
        Arc::new(stream::Stream),
    ]
}
