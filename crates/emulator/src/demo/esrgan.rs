//! `nightmareai/real-esrgan`: enlarges an image.

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

use super::image_file::{decode, encode};
use crate::model::{BuiltIn, Card, Input, Model, Run, Work, timing};
use crate::support::json::raw;

// Limits the memory to a few hundred megabytes.
const MAX_PIXELS: u64 = 64_000_000;

pub(super) struct Esrgan;

impl BuiltIn for Esrgan {
    fn card(&self) -> Card {
        Card {
            owner: "nightmareai",
            name: "real-esrgan",
            description: "Makes a picture larger: an image model. Here a Lanczos filter stands in for the network.",
            official: false,
            versions: &[
                ("f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa", None),
                ("42fed1c4974146d4d2414e2be2c5277c7fcf05fcc3a73abf41610695738c1d7b", None),
            ],
            schema: include_str!("schemas/esrgan.json").into(),
            streams: true,
            timing: timing(15, 10),
            example_input: EXAMPLE.into(),
        }
    }
}

impl Model for Esrgan {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let uri = input.required_text("image")?;
            let scale = input.number("scale").unwrap_or(4.0);
            let face_enhance = input.flag("face_enhance");
            let file = run.fetch("image", &uri).await?;
            run.log(format!("running with scale {scale}, face_enhance {face_enhance}"));
            let read = move || {
                let image = decode("input.image", &file)?;
                size(&image, scale).map(|size| (image, size))
            };
            let (image, (width, height)) = run.compute(read).await.inspect_err(|error| run.log(error))?;
            run.log(format!("output is {width} x {height}"));
            let work = move || enlarge(&image, width, height, face_enhance);
            let url = run.render("output.png", "image/png", work).await?;
            run.output(raw(&url));
            run.metric("image_count", 1.0);
            Ok(())
        })
    }
}

// An image of 4 by 4 pixels.
const EXAMPLE: &str = r#"{"image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAANElEQVR42gXBMQEAAAjDMIShBBHcU8JdEYjYjSKSyHIXlK4cKVpCPhE56jHDjSLXvbC69QOUehsJepDfggAAAABJRU5ErkJggg==", "scale": 4}"#;

/// Returns the width and height of the enlarged image.
fn size(image: &DynamicImage, scale: f64) -> Result<(u32, u32), String> {
    let size = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let (width, height) = (size(image.width()), size(image.height()));
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "the output would have {width} x {height} pixels; use a scale below {scale} for this image"
        ));
    }
    Ok((width, height))
}

/// Returns the enlarged image as PNG.
fn enlarge(image: &DynamicImage, width: u32, height: u32, face_enhance: bool) -> Result<Vec<u8>, String> {
    let mut larger = image.resize_exact(width, height, FilterType::Lanczos3);
    if face_enhance {
        larger = larger.unsharpen(1.5, 2);
    }
    encode(&larger, ImageFormat::Png)
}
