//! `stability-ai/sdxl`: draws pictures. Here they are landscapes, whatever is asked for, but ones that fit the words.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbImage};

use super::painter::{Commission, paint};
use super::random::{Random, seed_or_random};
use super::scene::{Palette, Scene};
use super::{BuiltIn, Card, Input, Model, Trained, Training, timing, zip};
use crate::json::raw;
use crate::runner::{Run, Work};

/// The model; a trained version has learned colours.
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
            description: "Draws pictures from a description. Here a landscape painter stands in for the network.",
            official: false,
            versions: &[
                (LATEST, None),
                ("39ed52f2a78e934b3ba6e2a89f5b1c712de7dfea535525255b1aa35c5565e08b", Some(LATEST)),
            ],
            schema: include_str!("schemas/sdxl.json"),
            streams: true,
            timing: timing(20, 20),
            example_input: r#"{"prompt": "a mountain lake at dawn, pine forest, mist", "width": 768, "height": 512, "seed": 11}"#.into(),
        }
    }
}

impl Model for Sdxl {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(draw(input, run, self.palette))
    }

    fn train(&self, input: Input, run: Run) -> Training<'_> {
        Box::pin(train(input, run))
    }
}

/// Learns the colours of the pictures given, alone or in a zip archive.
async fn train(input: Input, run: Run) -> Result<Trained, String> {
    let uri = input.required_text("input_images")?;
    let file = run.fetch("input_images", &uri).await?;
    let token = input.text("token_string").unwrap_or_default();
    let steps = input.integer("max_train_steps").unwrap_or(1000);
    let work = move || {
        let files =
            if zip::is_archive(&file.bytes) { zip::files(&file.bytes)? } else { vec![file.bytes.to_vec()] };
        let pictures = files.iter().filter_map(|file| image::load_from_memory(file).ok());
        let pictures: Vec<_> = pictures.map(|picture| picture.to_rgb8()).collect();
        let palette = Palette::of(&pictures).ok_or("input_images holds no picture that can be read")?;
        Ok((palette, pictures.len()))
    };
    let (palette, count) = run.busy(work).await.inspect_err(|error| run.log(error))?;
    run.log(format!("Training on {count} pictures, token {token:?}"));
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

async fn draw(input: Input, run: Run, palette: Option<Palette>) -> Result<(), String> {
    let prompt = input.text("prompt").unwrap_or_default();
    let negative = input.text("negative_prompt").unwrap_or_default();
    let side = |name| input.integer(name).and_then(|side| u32::try_from(side).ok()).unwrap_or(1024);
    let (width, height) = (side("width"), side("height"));
    let steps = input.integer("num_inference_steps").unwrap_or(50);
    let guidance = input.number("guidance_scale").unwrap_or(7.5) as f32;
    let strength = input.number("prompt_strength").unwrap_or(0.8) as f32;
    let count = input.integer("num_outputs").unwrap_or(1);
    let seed = seed_or_random(input.integer("seed"));
    let start = read_picture(&input, &run, "image", width, height).await?;
    let mask = read_picture(&input, &run, "mask", width, height).await?;
    run.log(format!("Using seed: {seed}"));
    run.log(format!("Prompt: {prompt}"));
    let mut urls = Vec::new();
    for index in 0..count {
        let (prompt, negative) = (prompt.clone(), negative.clone());
        let (start, mask) = (start.clone(), mask.clone());
        let work = move || {
            let commission = Commission {
                width,
                height,
                saturation: 0.75 + (guidance / 30.0).min(0.6),
                octaves: if steps < 10 { 3 } else { 5 },
            };
            let mut picture = picture(&prompt, &negative, palette, seed.wrapping_add(index), &commission);
            if let Some(start) = start {
                blend(&mut picture, &start, mask.as_ref(), strength);
            }
            encode(&picture.into(), ImageFormat::Png)
        };
        let png = run.busy(work).await?;
        let percent = (index + 1) * 100 / count;
        run.log(format!("{percent:3}%|{}| {}/{count}", "█".repeat((percent / 10) as usize), index + 1));
        urls.push(run.save(&format!("out-{index}.png"), "image/png", png));
    }
    run.output(raw(&urls));
    run.metric("image_count", urls.len() as f64);
    Ok(())
}

/// Paints one picture. The same words, seed and size give the same one.
pub(super) fn picture(
    prompt: &str,
    negative: &str,
    palette: Option<Palette>,
    seed: i64,
    commission: &Commission,
) -> RgbImage {
    let mut random = Random::from_parts(&[prompt.as_bytes(), negative.as_bytes(), &seed.to_le_bytes()]);
    let mut scene = Scene::imagine(prompt, negative, &mut random);
    if let Some(palette) = palette {
        scene.recolor(palette);
    }
    paint(&scene, commission, &mut random)
}

/// Writes a picture in a format.
pub(super) fn encode(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    let written = picture.write_to(&mut file, format);
    written.map_err(|error| format!("the picture could not be written: {error}"))?;
    Ok(file.into_inner())
}

async fn read_picture(
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
        let picture = image::load_from_memory(&file.bytes);
        let picture = picture.map_err(|error| format!("{field} is no picture that can be read: {error}"))?;
        Ok(picture.resize_to_fill(width, height, FilterType::Triangle).to_rgb8())
    };
    run.busy(work).await.inspect_err(|error| run.log(error)).map(Some)
}

/// Lays the painting over the picture it starts from, where the mask lets it.
fn blend(picture: &mut RgbImage, start: &RgbImage, mask: Option<&RgbImage>, strength: f32) {
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let open = mask.map_or(1.0, |mask| f32::from(mask.get_pixel(x, y).0[0]) / 255.0);
        let share = strength * open;
        let below = start.get_pixel(x, y).0;
        for (part, below) in pixel.0.iter_mut().zip(below) {
            *part = (f32::from(*part) * share + f32::from(below) * (1.0 - share)) as u8;
        }
    }
}
