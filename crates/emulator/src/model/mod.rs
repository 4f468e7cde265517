//! What a model is: its description, its schema, and the context it runs in.

pub(crate) mod input;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod validation;

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use input::Input;
pub(crate) use run::Run;
pub(crate) use schema::Schema;

use crate::config::Timing;

/// The version id that official models show.
pub(crate) const HIDDEN: &str = "hidden";

// Longer example inputs hold files.
const LONGEST_EXAMPLE: usize = 400;

/// A model. Versions share it.
pub(crate) type Engine = Arc<dyn Model>;

/// The work of a model. It returns an error message if the job has failed.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// The preparation for a prediction.
pub(crate) type Announcement<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The work of a training.
pub(crate) type Training<'a> = Pin<Box<dyn Future<Output = Result<Trained, String>> + Send + 'a>>;

/// Does the work of a model.
pub(crate) trait Model: Send + Sync {
    /// Prepares for a prediction that will run after its cold start.
    fn announce<'a>(&'a self, _id: &'a str) -> Announcement<'a> {
        Box::pin(std::future::ready(()))
    }

    /// Ends what [`announce`](Self::announce) began.
    fn ended(&self, _id: &str) {}

    /// Returns the time in status `starting` that an input asks for, in place of the one of the model.
    fn cold_start(&self, _input: &Input) -> Option<Duration> {
        None
    }

    /// Runs a prediction. A canceled prediction drops the future, so the work must not block.
    fn run(&self, input: Input, run: Run) -> Work<'_>;

    /// Trains a new version.
    fn train(&self, _input: Input, _run: Run) -> Training<'_> {
        Box::pin(async { Err("This model cannot be trained".into()) })
    }
}

/// The result of a training.
pub(crate) struct Trained {
    pub(crate) engine: Engine,
    /// The content of the weights file.
    pub(crate) weights: Vec<u8>,
}

/// A model that exists from the start.
pub(crate) trait BuiltIn: Model {
    fn card(&self) -> Card;
}

/// The description of a built-in model.
pub(crate) struct Card {
    pub(crate) owner: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Official models run without a version id.
    pub(crate) official: bool,
    /// Version ids, newest first, each with the version that runs in its place, if any.
    pub(crate) versions: &'static [(&'static str, Option<&'static str>)],
    /// `components.schemas` of the OpenAPI schema.
    pub(crate) schema: Cow<'static, str>,
    /// Whether predictions have an event stream.
    pub(crate) streams: bool,
    pub(crate) timing: Timing,
    /// The input of the example prediction, as JSON; empty if there is none.
    pub(crate) example_input: Cow<'static, str>,
}

impl Card {
    pub(crate) fn readme(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", self.name, self.description);
        if (1..LONGEST_EXAMPLE).contains(&self.example_input.len()) {
            text += &format!("\n## Example input\n\n```json\n{}\n```\n", self.example_input);
        }
        text
    }
}

/// Returns a timing in milliseconds.
pub(crate) const fn timing(cold_start_ms: u64, run_ms: u64) -> Timing {
    Timing { cold_start: Duration::from_millis(cold_start_ms), run: Duration::from_millis(run_ms) }
}
