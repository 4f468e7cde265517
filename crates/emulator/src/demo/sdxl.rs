//! `stability-ai/sdxl`: paints landscapes that fit the prompt.

use std::sync::Arc;
use std::time::Duration;

use image::imageops::FilterType;
use image::{ImageFormat, RgbImage};

use super::image_file::{decode, encode};
use super::landscape::{Style, landscape};
use super::palette::Palette;
use super::random::seed_or_random;
use super::zip;
use crate::model::{BuiltIn, Card, Input, Model, Run, Trained, Training, Work, timing};
use crate::support::json::raw;

/// The model. A trained version has learned colors.
#[derive(Default)]
pub(super) struct Sdxl {
    palette: Option<Palette>,
}

const LATEST: &str = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";

impl BuiltIn for Sdxl {
    fn card(&self) -> Card {
        Card {
            owner: "stability-ai",
            name: "sdxl",
            description: "Draws a picture from a description: an image model. Here a landscape painter stands in for the network.",
            official: false,
            versions: &[
                (LATEST, None),
                ("39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b", Some(LATEST)),
            ],
            schema: include_str!("schemas/sdxl.json").into(),
            streams: true,
            timing: timing(20, 20),
            example_input: r#"{"prompt": "a mountain lake at dawn, pine forest, mist", "width": 768, "height": 512, "seed": 11}"#.into(),
        }
    }
}

impl Model for Sdxl {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(paint(input, run, self.palette))
    }

    fn train(&self, input: Input, run: Run) -> Training<'_> {
        Box::pin(train(input, run))
    }
}

/// Learns the colors of an image or of the images in a zip archive.
async fn train(input: Input, run: Run) -> Result<Trained, String> {
    let uri = input.required_text("input_images")?;
    let file = run.fetch("input_images", &uri).await?;
    let token = input.text("token_string").unwrap_or_default();
    let steps = input.integer("max_train_steps").unwrap_or(1000);
    let work = move || {
        let files = if zip::is_archive(&file) { zip::files(&file)? } else { vec![file.to_vec()] };
        let images = files.iter().filter_map(|file| image::load_from_memory(file).ok());
        let images: Vec<_> = images.map(|image| image.to_rgb8()).collect();
        let palette = Palette::of(&images).ok_or("input_images contains no readable image")?;
        Ok((palette, images.len()))
    };
    let (palette, count) = run.compute(work).await.inspect_err(|error| run.log(error))?;
    run.log(format!("Training on {count} images, token {token:?}"));
    for quarter in 1..=4 {
        run.log(format!(
            "{:3}%|{}| {}/{steps}",
            quarter * 25,
            "██".repeat(quarter),
            steps * quarter as i64 / 4
        ));
        run.sleep(Duration::from_millis(5)).await;
    }
    let weights = raw(&palette).get().into();
    let engine = Arc::new(Sdxl { palette: Some(palette) });
    Ok(Trained { engine, weights })
}

async fn paint(input: Input, run: Run, palette: Option<Palette>) -> Result<(), String> {
    let prompt = input.text("prompt").unwrap_or_default();
    let negative = input.text("negative_prompt").unwrap_or_default();
    let side = |name| input.integer(name).and_then(|side| u32::try_from(side).ok()).unwrap_or(1024);
    let (width, height) = (side("width"), side("height"));
    let steps = input.integer("num_inference_steps").unwrap_or(50);
    let guidance = input.number("guidance_scale").unwrap_or(7.5) as f32;
    let strength = input.number("prompt_strength").unwrap_or(0.8) as f32;
    let count = input.integer("num_outputs").unwrap_or(1);
    let seed = seed_or_random(input.integer("seed"));
    let start = read_image(&input, &run, "image", width, height).await?;
    let mask = read_image(&input, &run, "mask", width, height).await?;
    run.log(format!("Using seed: {seed}"));
    run.log(format!("Prompt: {prompt}"));
    let mut urls = Vec::new();
    for index in 0..count {
        let (prompt, negative) = (prompt.clone(), negative.clone());
        let (start, mask) = (start.clone(), mask.clone());
        let work = move || {
            let style = Style {
                width,
                height,
                saturation: 0.75 + (guidance / 30.0).min(0.6),
                octaves: if steps < 10 { 3 } else { 5 },
            };
            let mut image = landscape(&prompt, &negative, palette, seed.wrapping_add(index), &style);
            if let Some(start) = &start {
                blend(&mut image, start, mask.as_ref(), strength);
            }
            encode(&image.into(), ImageFormat::Png)
        };
        let url = run.render(&format!("out-{index}.png"), "image/png", work).await?;
        let percent = (index + 1) * 100 / count;
        run.log(format!("{percent:3}%|{}| {}/{count}", "█".repeat((percent / 10) as usize), index + 1));
        urls.push(url);
    }
    run.output(raw(&urls));
    run.metric("image_count", urls.len() as f64);
    Ok(())
}

/// Reads an image input and fits it to the size of the output.
async fn read_image(
    input: &Input,
    run: &Run,
    name: &str,
    width: u32,
    height: u32,
) -> Result<Option<RgbImage>, String> {
    let Some(uri) = input.text(name) else { return Ok(None) };
    let file = run.fetch(name, &uri).await?;
    let field = format!("input.{name}");
    let work = move || {
        let image = decode(&field, &file)?;
        Ok(image.resize_to_fill(width, height, FilterType::Triangle).to_rgb8())
    };
    run.compute(work).await.inspect_err(|error| run.log(error)).map(Some)
}

/// Blends the image with the one it starts from: `strength` of the new one where the mask is white.
fn blend(image: &mut RgbImage, start: &RgbImage, mask: Option<&RgbImage>, strength: f32) {
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let open = mask.map_or(1.0, |mask| f32::from(mask.get_pixel(x, y).0[0]) / 255.0);
        let share = strength * open;
        let below = start.get_pixel(x, y).0;
        for (part, below) in pixel.0.iter_mut().zip(below) {
            *part = (f32::from(*part) * share + f32::from(below) * (1.0 - share)) as u8;
        }
    }
}
