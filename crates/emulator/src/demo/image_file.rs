//! Image files.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};

/// Encodes an image.
pub(super) fn encode(image: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).map_err(|error| format!("the image could not be encoded: {error}"))?;
    Ok(file.into_inner())
}

/// Decodes the image of the input `field`.
pub(super) fn decode(field: &str, bytes: &[u8]) -> Result<DynamicImage, String> {
    image::load_from_memory(bytes).map_err(|error| format!("{field} is not a readable image: {error}"))
}
