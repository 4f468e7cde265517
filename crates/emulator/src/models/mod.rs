//! The built-in models. Each does real, if small, work on what it is given.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Timing;
use crate::runner::{Run, Work};
pub(crate) use crate::schema::Input;

pub(crate) mod cog;
mod corpus;
mod echo;
mod endless;
mod esrgan;
mod fails;
mod flux;
mod llama;
mod noise;
mod painter;
mod progress;
mod random;
mod scene;
mod sdxl;
mod stream;
mod wav;
mod waveform;
mod zip;

// Longer ones hold files, which nobody wants to read.
const LONGEST_EXAMPLE: usize = 400;

/// What the catalogue says of a model.
pub(crate) struct Card {
    pub(crate) owner: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Kept by Replicate: addressed without a version.
    pub(crate) official: bool,
    /// Version ids, newest first, each with the version that runs in its place, if another does.
    pub(crate) versions: &'static [(&'static str, Option<&'static str>)],
    /// `components.schemas` of the OpenAPI schema.
    pub(crate) schema: &'static str,
    /// Whether predictions offer an event stream.
    pub(crate) streams: bool,
    pub(crate) timing: Timing,
    /// An input that shows the model well, as JSON; empty if none does.
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

/// A model that is always there.
pub(crate) trait BuiltIn: Model {
    fn card(&self) -> Card;
}

/// A model.
pub(crate) trait Model: Send + Sync {
    /// Does the work. It is dropped when the job is cancelled, so nothing may block.
    fn run(&self, input: Input, run: Run) -> Work<'_>;

    /// Makes a new version of the model from the caller's data.
    fn train(&self, _input: Input, _run: Run) -> Training<'_> {
        Box::pin(async { Err("This model cannot be trained".into()) })
    }
}

/// What a training's work yields.
pub(crate) struct Trained {
    pub(crate) engine: Arc<dyn Model>,
    /// The file that holds what was learned.
    pub(crate) weights: Vec<u8>,
}

pub(crate) type Training<'a> = Pin<Box<dyn Future<Output = Result<Trained, String>> + Send + 'a>>;

const fn timing(cold_start_ms: u64, run_ms: u64) -> Timing {
    Timing { cold_start: Duration::from_millis(cold_start_ms), run: Duration::from_millis(run_ms) }
}

pub(crate) fn built_in() -> Vec<Arc<dyn BuiltIn>> {
    vec![
        Arc::new(llama::Llama::default()),
        Arc::new(sdxl::Sdxl::default()),
        Arc::new(flux::Flux),
        Arc::new(esrgan::Esrgan),
        Arc::new(waveform::Waveform),
        Arc::new(echo::Echo),
        Arc::new(fails::Fails),
        Arc::new(endless::Endless),
        Arc::new(progress::Progress),
        Arc::new(stream::Stream),
    ]
}
