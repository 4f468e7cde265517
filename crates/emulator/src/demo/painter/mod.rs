//! Paints landscapes.

mod outline;
mod sky;

use image::{Rgb, RgbImage};

use super::color::{Color, mix, smooth};
use super::noise::{hash, layered, noise, ridged};
use super::random::Random;
use super::scene::{Foreground, Palette, Scene};
use outline::{skyline, trees};

// Relative to the height of the image.
const TALLEST_SAIL: f32 = 0.16;

/// The size of an image and how it is painted.
pub(super) struct Style {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The strength of the colors; 1 is natural.
    pub(super) saturation: f32,
    /// The number of noise scales, 1 to 6.
    pub(super) octaves: u32,
}

/// A range of hills: its outline by column, and its colors.
struct Range {
    outline: Vec<f32>,
    color: Color,
    snow: f32,
    texture: f32,
    mist: f32,
    seed: u32,
    lit_windows: bool,
}

/// A scene with the values that are the same for a column or for the whole image.
struct Canvas<'a> {
    scene: &'a Scene,
    octaves: u32,
    width: f32,
    height: f32,
    ranges: Vec<Range>,
    seed: u32,
}

/// Paints the landscape that a prompt describes. The same prompt, seed and style give the same image.
pub(super) fn landscape(
    prompt: &str,
    negative: &str,
    palette: Option<Palette>,
    seed: i64,
    style: &Style,
) -> RgbImage {
    let mut random = Random::from_parts(&[prompt.as_bytes(), negative.as_bytes(), &seed.to_le_bytes()]);
    let mut scene = Scene::from_prompt(prompt, negative, &mut random);
    if let Some(palette) = palette {
        scene.recolor(palette);
    }
    paint(&scene, style, &mut random)
}

fn paint(scene: &Scene, style: &Style, random: &mut Random) -> RgbImage {
    let canvas = Canvas::new(scene, style, random);
    let mut image = RgbImage::new(style.width, style.height);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let color = canvas.finish(canvas.color(x, y), x, y, style.saturation);
        *pixel = Rgb(color.map(|part| (part.clamp(0.0, 1.0) * 255.0 + 0.5) as u8));
    }
    image
}

impl<'a> Canvas<'a> {
    fn new(scene: &'a Scene, style: &Style, random: &mut Random) -> Self {
        let (width, height) = (style.width as f32, style.height as f32);
        let mut canvas = Self {
            scene,
            octaves: style.octaves,
            width,
            height,
            ranges: Vec::new(),
            seed: random.next() as u32,
        };
        let count = scene.ranges.max(1);
        for index in 0..count {
            let nearness = (index as f32 + 1.0) / count as f32;
            canvas.ranges.push(canvas.range(nearness, index + 1 == count, random));
        }
        canvas
    }

    /// Builds a range of hills. `nearness` is from just above 0, at the horizon, to 1.
    fn range(&self, nearness: f32, nearest: bool, random: &mut Random) -> Range {
        let scene = self.scene;
        let seed = random.next() as u32;
        let floor =
            scene.horizon + (1.0 - scene.horizon) * (nearness - 1.0 / scene.ranges.max(1) as f32) * 0.55;
        let tall = scene.relief * (1.15 - 0.75 * nearness) * random.between(0.75, 1.1);
        let frequency = 1.1 + 1.4 * nearness;
        let shift = random.between(0.0, 400.0);
        let near = if nearest { scene.foreground } else { Foreground::Bare };
        let wooded = nearest || nearness > 0.55;
        let outline = (0..self.width as u32).map(|x| {
            let x = x as f32 / self.height;
            let hill = if nearness < 0.7 {
                ridged(x * frequency + shift, seed, 6)
            } else {
                layered(x * frequency + shift, 3.3, seed, 5)
            };
            let rise = match near {
                Foreground::Trees => trees(x, seed, 0.085),
                Foreground::City => skyline(x, seed),
                Foreground::Grass => 0.008 * noise(x * 260.0, 0.0, seed),
                Foreground::Bare if wooded && scene.foreground == Foreground::Trees => {
                    trees(x * 2.2, seed, 0.03)
                }
                Foreground::Bare => 0.0,
            };
            floor - (hill - 0.35) * tall - rise
        });
        let haze = (1.0 - nearness).powf(1.3) * 0.82;
        let color = mix(scene.ground, scene.haze, haze);
        Range {
            outline: outline.collect(),
            color: color.map(|part| part * (1.0 - 0.35 * nearness)),
            snow: if nearness < 0.6 { scene.snow } else { 0.0 },
            texture: 0.25 + 0.3 * nearness,
            // Mist rises in the valleys between ranges.
            mist: if nearest { 0.0 } else { scene.mist * (1.0 - 0.5 * nearness) },
            seed,
            lit_windows: near == Foreground::City && scene.night,
        }
    }

    /// Returns the color of a pixel.
    fn color(&self, x: u32, y: u32) -> Color {
        let v = y as f32 / self.height;
        match self.scene.waterline {
            Some(line) if v > line - TALLEST_SAIL => match self.boat(x, v, line) {
                Some(color) => color,
                None if v > line => self.water(x, v, line),
                None => self.land(x, v),
            },
            _ => self.land(x, v),
        }
    }

    /// Returns the color of a sailing boat at this place, if any. Boats further down are nearer and larger.
    fn boat(&self, x: u32, v: f32, line: f32) -> Option<Color> {
        let u = x as f32 / self.width;
        let proportion = self.width / self.height;
        (0..self.scene.boats).rev().find_map(|index| {
            let draw = |salt: i32| hash(index as i32, salt, self.seed ^ 41);
            let nearness = (index as f32 + 0.3 + 0.5 * draw(1)) / self.scene.boats as f32;
            let size = TALLEST_SAIL * (0.3 + 0.7 * nearness);
            let (middle, foot) = (0.08 + 0.84 * draw(2), line + (1.0 - line) * 0.42 * nearness);
            // In units of the boat's height: horizontally, and up from the water.
            let (across, up) = ((u - middle) * proportion / size, (foot - v) / size);
            let shade = |color: Color| Some(mix(color, self.scene.haze, 0.45 * (1.0 - nearness)));
            if (0.0..0.13).contains(&up) && across.abs() < 0.26 + up * 0.7 {
                return shade(mix(self.scene.ground, [0.05, 0.04, 0.06], 0.7));
            }
            let mast = across.abs() < 0.012 && (0.0..1.0).contains(&up);
            let main = across > 0.02 && across < 0.42 * (0.97 - up) && up > 0.2;
            let jib = across < -0.02 && across > -0.3 * (0.82 - up) && up > 0.22;
            if mast {
                return shade([0.12, 0.09, 0.08]);
            }
            let cloth = mix([0.96, 0.94, 0.90], self.scene.glow, 0.3);
            let light = if self.scene.night {
                0.3
            } else if main {
                0.97
            } else {
                0.84
            };
            (main || jib).then(|| cloth.map(|part| part * light)).and_then(shade)
        })
    }

    /// Returns the color of the hills or of the sky behind them.
    fn land(&self, x: u32, v: f32) -> Color {
        let column = (x as usize).min(self.width as usize - 1);
        for range in self.ranges.iter().rev() {
            let depth = v - range.outline[column];
            if depth >= 0.0 {
                return self.hill(range, column, v, depth);
            }
        }
        self.sky(column as f32 / self.height, v)
    }

    /// Returns the color of a range of hills, `depth` below its outline.
    fn hill(&self, range: &Range, column: usize, v: f32, depth: f32) -> Color {
        let u = column as f32 / self.height;
        // The light depends on the slope near the outline and fades below it.
        let reach = (self.height as usize / 24).max(2);
        let next = (column + reach).min(range.outline.len() - 1);
        let previous = column.saturating_sub(reach);
        let run = (next - previous).max(1) as f32;
        let slope =
            (range.outline[next] - range.outline[previous]) * self.height / run * (-depth * 9.0).exp();
        let toward = (self.scene.sun.0 * self.width / self.height - u) * 6.0;
        let side = -slope * toward.clamp(-1.0, 1.0);
        let grain = layered(u * 14.0, v * 34.0, range.seed, self.octaves.min(4)) - 0.5;
        let light =
            1.0 + range.texture * (grain + 0.6 * side.clamp(-1.0, 1.0)) + 0.10 * (-depth * 30.0).exp();
        let mut color = range.color.map(|part| part * light);
        if range.snow > 0.0 {
            let edge = 0.055 + 0.09 * layered(u * 24.0, v * 16.0, range.seed ^ 5, 4);
            let cover = range.snow * smooth(edge, edge - 0.05, depth);
            let white =
                mix([0.93, 0.95, 1.0], self.scene.glow, 0.25).map(|part| part * (0.78 + 0.3 * light - 0.2));
            color = mix(color, white, cover);
        }
        if range.lit_windows {
            let (i, j) = ((u * 150.0).floor() as i32, (v * 150.0).floor() as i32);
            let inside = (u * 150.0).fract() > 0.35 && (v * 150.0).fract() > 0.4;
            if inside && depth > 0.012 && hash(i, j, range.seed) > 0.72 {
                color = mix(color, [1.0, 0.82, 0.45], 0.45 + 0.5 * hash(j, i, range.seed));
            }
        }
        // Mist covers the valleys.
        mix(color, self.scene.haze, range.mist * smooth(0.02, 0.3, depth) * 0.6)
    }

    /// Returns the color of the water: a reflection with ripples that grow toward the viewer.
    fn water(&self, x: u32, v: f32, line: f32) -> Color {
        let scene = self.scene;
        let depth = (v - line) / (1.0 - line);
        let u = x as f32 / self.height;
        let scale = 12.0 + 110.0 * (1.0 - depth).powi(2);
        let wave = layered(u * scale * 0.22, v * scale * 2.2, self.seed ^ 21, 3) - 0.5;
        let sway = wave * (0.012 + 0.07 * depth);
        let mirrored = (line - (v - line) * 0.92 + sway * 0.8).clamp(0.0, line - 0.002);
        let shifted = (x as f32 + sway * self.height * 0.8).clamp(0.0, self.width - 1.0);
        let mut color = mix(self.land(shifted as u32, mirrored), scene.deep, 0.24 + 0.38 * depth);
        let across = (u - scene.sun.0 * self.width / self.height).abs();
        let path = (-across * across / (0.004 + 0.03 * depth)).exp();
        let sparkle = smooth(0.06, 0.3, wave) * path;
        color = mix(color, scene.disk, 0.75 * sparkle * (1.0 - 0.45 * depth));
        let crest = smooth(0.2, 0.42, wave) * 0.16;
        mix(color, scene.haze, crest + 0.35 * (-depth * 26.0).exp())
    }

    /// Applies vignette, grain and saturation.
    fn finish(&self, color: Color, x: u32, y: u32, saturation: f32) -> Color {
        let (u, v) = (x as f32 / self.width - 0.5, y as f32 / self.height - 0.5);
        let vignette = 1.0 - 0.5 * (u * u + v * v);
        let grain = (hash(x as i32, y as i32, self.seed ^ 31) - 0.5) * 0.022;
        let gray = 0.3 * color[0] + 0.59 * color[1] + 0.11 * color[2];
        color.map(|part| {
            let part = (gray + (part - gray) * saturation) * vignette + grain;
            // A tone curve that deepens the shadows.
            let part = part.clamp(0.0, 1.0);
            part * (0.82 + 0.36 * part - 0.18 * part * part)
        })
    }
}
