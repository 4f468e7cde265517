//! `fofr/audio-to-waveform`: analyzes a sound and draws its waveform.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use font8x8::legacy::BASIC_LEGACY;
use image::{ImageFormat, Rgb, RgbImage};

use super::image_file::encode;
use super::wav::{self, Sound};
use crate::model::{BuiltIn, Card, Input, Model, Run, Work, timing};
use crate::support::json::Fields;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 200;
const SILENCE: f64 = -120.0;

pub(super) struct Waveform;

impl BuiltIn for Waveform {
    fn card(&self) -> Card {
        Card {
            owner: "fofr",
            name: "audio-to-waveform",
            description: "Draws the waveform of a WAV file. Here the output is an object with measurements and an \
                          image; the public model of this name returns a video.",
            official: false,
            versions: &[("116cf9b97d0a117cfe64310637bf99ae8542cc35d813744c6ab178a3e134ff5a", None)],
            schema: include_str!("schemas/waveform.json").into(),
            streams: false,
            timing: timing(15, 10),
            example_input: format!(r#"{{"audio": "{}", "caption_text": "one second"}}"#, example_sound())
                .into(),
        }
    }
}

impl Model for Waveform {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let uri = input.required_text("audio")?;
            let style = Style::read(&input)?;
            let file = run.fetch("audio", &uri).await?;
            let read =
                move || wav::read(&file).map_err(|error| format!("input.audio cannot be read: {error}"));
            let sound = run.compute(read).await.inspect_err(|error| run.log(error))?;
            let sound = Arc::new(sound);
            let peak = sound.samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            run.log(format!(
                "{:.2} s, {} Hz, {} channels",
                sound.seconds(),
                sound.sample_rate,
                sound.channels
            ));
            let drawn = sound.clone();
            let work = move || encode(&draw(&drawn, &style).into(), ImageFormat::Png);
            let url = run.render("waveform.png", "image/png", work).await?;
            let output = Fields::new()
                .put("duration", &sound.seconds())
                .put("sample_rate", &sound.sample_rate)
                .put("channels", &sound.channels)
                .put("loudness", &loudness(&sound))
                .put("peak", &f64::from(peak))
                .put("waveform", &url);
            run.output(output.finish());
            Ok(())
        })
    }
}

/// Returns the mean power in decibels relative to full scale.
fn loudness(sound: &Sound) -> f64 {
    let power: f64 = sound.samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    let mean = power / sound.samples.len().max(1) as f64;
    if mean > 0.0 { ((10.0 * mean.log10()) * 100.0).round() / 100.0 } else { SILENCE }
}

struct Style {
    background: [u8; 3],
    bars: [u8; 3],
    alpha: f32,
    bar_count: u32,
    bar_width: f32,
    caption: String,
}

impl Style {
    fn read(input: &Input) -> Result<Self, String> {
        let color = |name: &str| {
            let text = input.text(name).unwrap_or_default();
            parse_color(&text).ok_or_else(|| format!("input.{name} is {text:?}, not a color such as #ff8800"))
        };
        Ok(Self {
            background: color("bg_color")?,
            bars: color("bars_color")?,
            alpha: input.number("fg_alpha").unwrap_or(0.75) as f32,
            bar_count: input.integer("bar_count").unwrap_or(100).clamp(1, i64::from(WIDTH)) as u32,
            bar_width: input.number("bar_width").unwrap_or(0.4) as f32,
            caption: input.text("caption_text").unwrap_or_default(),
        })
    }
}

fn parse_color(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#')?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some([(number >> 16) as u8, (number >> 8) as u8, number as u8]),
        3 => Some([(number >> 8) as u8 * 17, (number >> 4 & 15) as u8 * 17, (number & 15) as u8 * 17]),
        _ => None,
    }
}

/// Draws a bar for each part of the sound, as high as its peak.
fn draw(sound: &Sound, style: &Style) -> RgbImage {
    let mut image = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb(style.background));
    let blend = |part: usize| {
        let (back, front) = (f32::from(style.background[part]), f32::from(style.bars[part]));
        (back + (front - back) * style.alpha) as u8
    };
    let color = Rgb([blend(0), blend(1), blend(2)]);
    let caption_height = if style.caption.is_empty() { 0 } else { 28 };
    let space = (HEIGHT - caption_height) as f32;
    let loudest = sound.samples.iter().fold(1e-6f32, |peak, sample| peak.max(sample.abs()));
    let pitch = WIDTH as f32 / style.bar_count as f32;
    for bar in 0..style.bar_count {
        let at =
            |bar: u32| (sound.samples.len() as u64 * u64::from(bar) / u64::from(style.bar_count)) as usize;
        let stretch = &sound.samples[at(bar)..at(bar + 1).max(at(bar) + 1).min(sound.samples.len())];
        let peak = stretch.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        let height = (peak / loudest * space * 0.9).max(2.0);
        let left = (bar as f32 * pitch + pitch * (1.0 - style.bar_width) / 2.0) as u32;
        let width = (pitch * style.bar_width).max(1.0) as u32;
        let top = ((space - height) / 2.0) as u32;
        for x in left..(left + width).min(WIDTH) {
            for y in top..(top + height as u32).min(HEIGHT) {
                image.put_pixel(x, y, color);
            }
        }
    }
    write(&mut image, &style.caption, color);
    image
}

/// Writes the caption centered at the bottom, in letters of double size.
fn write(image: &mut RgbImage, caption: &str, color: Rgb<u8>) {
    const SCALE: u32 = 2;
    let glyphs = caption
        .chars()
        .map(|letter| BASIC_LEGACY.get(letter as usize).unwrap_or(&BASIC_LEGACY[b'?' as usize]));
    let glyphs: Vec<_> = glyphs.take((WIDTH / (8 * SCALE)) as usize).collect();
    let left = (WIDTH - glyphs.len() as u32 * 8 * SCALE) / 2;
    let top = HEIGHT - 8 * SCALE - 6;
    for (index, glyph) in glyphs.iter().enumerate() {
        for y in 0..8 * SCALE {
            for x in 0..8 * SCALE {
                if glyph[(y / SCALE) as usize] >> (x / SCALE) & 1 == 1 {
                    image.put_pixel(left + index as u32 * 8 * SCALE + x, top + y, color);
                }
            }
        }
    }
}

/// Returns one second of two fading tones, as a data URI.
fn example_sound() -> String {
    const RATE: u32 = 8000;
    let samples = (0..RATE).map(|index| {
        let time = index as f32 / RATE as f32;
        let tone = |pitch: f32| (time * pitch * std::f32::consts::TAU).sin();
        (tone(220.0) + 0.6 * tone(331.0)) * 0.5 * (-3.0 * time).exp()
    });
    let samples: Vec<f32> = samples.collect();
    format!("data:audio/wav;base64,{}", STANDARD.encode(wav::write_mono(RATE, samples.into_iter())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudness_is_relative_to_full_scale() {
        let sound = |samples: Vec<f32>| Sound { sample_rate: 10, channels: 1, samples };
        assert_eq!(loudness(&sound(vec![1.0, -1.0])), 0.0);
        assert_eq!(loudness(&sound(vec![0.1, -0.1])), -20.0);
        assert_eq!(loudness(&sound(vec![0.0])), SILENCE);
    }

    #[test]
    fn colors_have_three_or_six_digits() {
        assert_eq!(parse_color("#ff8000"), Some([255, 128, 0]));
        assert_eq!(parse_color("#f80"), Some([255, 136, 0]));
        assert_eq!((parse_color("red"), parse_color("#12")), (None, None));
    }
}
