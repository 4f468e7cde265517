//! Public models whose names run a model of the demo.

use std::sync::Arc;

use super::flux::Flux;
use super::llama::Llama;
use crate::model::{BuiltIn, Card, Input, Model, Run, Training, Work};

const TEXT: [(&str, &str); 19] = [
    ("meta", "meta-llama-3-70b-instruct"),
    ("meta", "meta-llama-3-8b"),
    ("meta", "meta-llama-3-70b"),
    ("meta", "meta-llama-3.1-405b-instruct"),
    ("meta", "llama-2-7b-chat"),
    ("meta", "llama-2-13b-chat"),
    ("meta", "llama-2-70b-chat"),
    ("meta", "llama-4-scout-instruct"),
    ("meta", "llama-4-maverick-instruct"),
    ("anthropic", "claude-3.5-sonnet"),
    ("anthropic", "claude-3.7-sonnet"),
    ("anthropic", "claude-4-sonnet"),
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4.1"),
    ("openai", "gpt-5"),
    ("openai", "gpt-oss-120b"),
    ("google", "gemini-2.5-flash"),
    ("deepseek-ai", "deepseek-r1"),
];

/// Their output is a list of images.
const IMAGES: [(&str, &str); 3] = [
    ("black-forest-labs", "flux-dev"),
    ("stability-ai", "stable-diffusion-3.5-large"),
    ("qwen", "qwen-image"),
];

/// Their output is one image.
const IMAGE: [(&str, &str); 10] = [
    ("black-forest-labs", "flux-pro"),
    ("black-forest-labs", "flux-1.1-pro"),
    ("black-forest-labs", "flux-1.1-pro-ultra"),
    ("black-forest-labs", "flux-kontext-pro"),
    ("black-forest-labs", "flux-kontext-max"),
    ("google", "imagen-3"),
    ("google", "imagen-4"),
    ("google", "nano-banana"),
    ("recraft-ai", "recraft-v3"),
    ("ideogram-ai", "ideogram-v3-turbo"),
];

/// A model under another name.
struct Alias {
    model: Arc<dyn BuiltIn>,
    owner: &'static str,
    name: &'static str,
}

impl BuiltIn for Alias {
    fn card(&self) -> Card {
        Card { owner: self.owner, name: self.name, ..self.model.card() }
    }
}

impl Model for Alias {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        self.model.run(input, run)
    }

    fn train(&self, input: Input, run: Run) -> Training<'_> {
        self.model.train(input, run)
    }
}

pub(super) fn all() -> Vec<Arc<dyn BuiltIn>> {
    let (text, images): (Arc<dyn BuiltIn>, Arc<dyn BuiltIn>) =
        (Arc::new(Llama::default()), Arc::new(Flux::default()));
    let image: Arc<dyn BuiltIn> = Arc::new(Flux { single: true });
    let groups = [(text, &TEXT[..]), (images, &IMAGES[..]), (image, &IMAGE[..])];
    let mut all = Vec::new();
    for (model, names) in groups {
        for (owner, name) in names {
            let alias: Arc<dyn BuiltIn> = Arc::new(Alias { model: model.clone(), owner, name });
            all.push(alias);
        }
    }
    all
}
