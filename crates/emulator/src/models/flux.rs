//! `black-forest-labs/flux-schnell`: draws pictures, by aspect ratio and in several formats.

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;

use super::painter::Commission;
use super::random::seed_or_random;
use super::sdxl::{encode, picture};
use super::{BuiltIn, Card, Input, Model, timing};
use crate::json::raw;
use crate::runner::{Run, Work};

pub(super) struct Flux;

impl BuiltIn for Flux {
    fn card(&self) -> Card {
        Card {
            owner: "black-forest-labs",
            name: "flux-schnell",
            description: "Draws pictures from a description, quickly. Here a landscape painter stands in for the \
                          network.",
            official: true,
            versions: &[(crate::catalog::HIDDEN, None)],
            schema: include_str!("schemas/flux.json"),
            streams: true,
            timing: timing(15, 10),
            example_input: r#"{"prompt": "a harbour town at sunset", "aspect_ratio": "3:2", "seed": 4}"#
                .into(),
        }
    }
}

impl Model for Flux {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(draw(input, run))
    }
}

async fn draw(input: Input, run: Run) -> Result<(), String> {
    let prompt = input.required_text("prompt")?;
    let ratio = input.text("aspect_ratio").unwrap_or_default();
    let megapixels = input.text("megapixels").and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let (width, height) = size(&ratio, megapixels);
    let steps = input.integer("num_inference_steps").unwrap_or(4);
    let seed = seed_or_random(input.integer("seed"));
    let quality = input.integer("output_quality").unwrap_or(80).clamp(1, 100) as u8;
    let extension = match input.text("output_format").as_deref() {
        Some("png") => "png",
        Some("jpg") => "jpg",
        _ => "webp",
    };
    run.log(format!("Using seed: {seed}"));
    let mut urls = Vec::new();
    for index in 0..input.integer("num_outputs").unwrap_or(1) {
        let prompt = prompt.clone();
        let work = move || {
            let commission =
                Commission { width, height, saturation: 1.1, octaves: 2 + u32::try_from(steps).unwrap_or(2) };
            let picture = picture(&prompt, "", None, seed.wrapping_add(index), &commission);
            match extension {
                "png" => encode(&picture.into(), ImageFormat::Png),
                "webp" => encode(&picture.into(), ImageFormat::WebP),
                _ => {
                    let mut file = Vec::new();
                    let written = JpegEncoder::new_with_quality(&mut file, quality).encode_image(&picture);
                    written.map_err(|error| format!("the picture could not be written: {error}"))?;
                    Ok(file)
                }
            }
        };
        let bytes = run.busy(work).await?;
        let content_type = match extension {
            "png" => "image/png",
            "jpg" => "image/jpeg",
            _ => "image/webp",
        };
        urls.push(run.save(&format!("out-{index}.{extension}"), content_type, bytes));
    }
    run.output(raw(&urls));
    run.metric("image_count", urls.len() as f64);
    Ok(())
}

/// Width and height for a ratio such as `16:9`, in steps of 16 pixels.
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
    fn sizes_follow_the_ratio() {
        assert_eq!(super::size("1:1", 1.0), (1024, 1024));
        assert_eq!(super::size("1:1", 0.25), (512, 512));
        let (width, height) = super::size("16:9", 1.0);
        assert!((f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.03);
    }
}
