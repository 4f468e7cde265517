//! `black-forest-labs/flux-schnell`: paints images of a given aspect ratio in several formats.

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;

use super::image_file::encode;
use super::landscape::{Style, landscape};
use super::random::seed_or_random;
use crate::model::{BuiltIn, Card, HIDDEN, Input, Model, Run, Work, timing};
use crate::support::json::raw;

/// The model.
#[derive(Default)]
pub(super) struct Flux {
    /// Whether the output is one image instead of a list.
    pub(super) single: bool,
}

const SCHEMA: &str = include_str!("schemas/flux.json");
const LIST: &str = r#"{"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}"#;
const SINGLE: &str = r#"{"type": "string", "format": "uri", "title": "Output"}"#;

impl BuiltIn for Flux {
    fn card(&self) -> Card {
        Card {
            owner: "black-forest-labs",
            name: "flux-schnell",
            description: "Draws a picture from a description, quickly: an image model. Here a landscape painter stands in for the \
                          network.",
            official: true,
            versions: &[(HIDDEN, None)],
            schema: match self.single {
                true => SCHEMA.replace(LIST, SINGLE).into(),
                false => SCHEMA.into(),
            },
            streams: true,
            timing: timing(15, 10),
            example_input: r#"{"prompt": "a harbor town at sunset", "aspect_ratio": "3:2", "seed": 4}"#
                .into(),
        }
    }
}

impl Model for Flux {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(paint(input, run, self.single))
    }
}

async fn paint(input: Input, run: Run, single: bool) -> Result<(), String> {
    let prompt = input.required_text("prompt")?;
    let ratio = input.text("aspect_ratio").unwrap_or_default();
    let megapixels = input.text("megapixels").and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let (width, height) = size(&ratio, megapixels);
    let steps = input.integer("num_inference_steps").unwrap_or(4);
    let seed = seed_or_random(input.integer("seed"));
    let quality = input.integer("output_quality").unwrap_or(80).clamp(1, 100) as u8;
    let (extension, content_type) = match input.text("output_format").as_deref() {
        Some("png") => ("png", "image/png"),
        Some("jpg") => ("jpg", "image/jpeg"),
        _ => ("webp", "image/webp"),
    };
    run.log(format!("Using seed: {seed}"));
    let mut urls = Vec::new();
    let count = if single { 1 } else { input.integer("num_outputs").unwrap_or(1) };
    for index in 0..count {
        let prompt = prompt.clone();
        let work = move || {
            let style =
                Style { width, height, saturation: 1.1, octaves: 2 + u32::try_from(steps).unwrap_or(2) };
            let image = landscape(&prompt, "", None, seed.wrapping_add(index), &style);
            match extension {
                "png" => encode(&image.into(), ImageFormat::Png),
                "webp" => encode(&image.into(), ImageFormat::WebP),
                _ => {
                    let mut file = Vec::new();
                    let written = JpegEncoder::new_with_quality(&mut file, quality).encode_image(&image);
                    written.map_err(|error| format!("the image could not be encoded: {error}"))?;
                    Ok(file)
                }
            }
        };
        urls.push(run.render(&format!("out-{index}.{extension}"), content_type, work).await?);
    }
    run.output(if single { raw(&urls[0]) } else { raw(&urls) });
    run.metric("image_count", urls.len() as f64);
    Ok(())
}

/// Returns the width and height for a ratio such as `16:9`, in multiples of 16 pixels.
fn size(ratio: &str, megapixels: f64) -> (u32, u32) {
    let parts = ratio.split_once(':');
    let parts =
        parts.and_then(|(across, down)| Some((across.parse::<f64>().ok()?, down.parse::<f64>().ok()?)));
    let (across, down) = parts.unwrap_or((1.0, 1.0));
    let unit = (megapixels * 1024.0 * 1024.0 / (across * down)).sqrt();
    let side = |parts: f64| ((parts * unit / 16.0).round() as u32 * 16).max(16);
    (side(across), side(down))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_size_follows_the_aspect_ratio() {
        assert_eq!(super::size("1:1", 1.0), (1024, 1024));
        assert_eq!(super::size("1:1", 0.25), (512, 512));
        let (width, height) = super::size("16:9", 1.0);
        assert!((f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.03);
    }
}
