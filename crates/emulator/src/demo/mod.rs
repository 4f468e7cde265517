//! Models for examples, under the names of public models. Small programs stand in for the networks, but the output
//! depends on the input and the seed, as it does there.

mod corpus;
mod esrgan;
mod flux;
mod image_file;
mod known;
mod landscape;
mod llama;
mod noise;
mod palette;
mod random;
mod sdxl;
mod wav;
mod waveform;
mod zip;

use std::sync::Arc;

use crate::model::BuiltIn;

pub(crate) fn all() -> Vec<Arc<dyn BuiltIn>> {
    let mut all = known::all();
    all.extend([
        Arc::new(llama::Llama::default()),
        Arc::new(sdxl::Sdxl::default()),
        Arc::new(flux::Flux::default()),
        Arc::new(esrgan::Esrgan),
        Arc::new(waveform::Waveform),
    ] as [Arc<dyn BuiltIn>; 5]);
    all
}
