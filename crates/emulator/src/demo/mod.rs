//! Models for examples, under the names of public models. Small programs stand in for the networks, but the output
//! depends on the input and the seed, as it does there.

mod color;
mod corpus;
mod esrgan;
mod flux;
mod image_file;
mod llama;
mod noise;
mod painter;
mod random;
mod scene;
mod sdxl;
mod wav;
mod waveform;
mod zip;

use std::sync::Arc;

use crate::model::BuiltIn;

pub(crate) fn all() -> Vec<Arc<dyn BuiltIn>> {
    vec![
        Arc::new(llama::Llama::default()),
        Arc::new(sdxl::Sdxl::default()),
        Arc::new(flux::Flux),
        Arc::new(esrgan::Esrgan),
        Arc::new(waveform::Waveform),
    ]
}
