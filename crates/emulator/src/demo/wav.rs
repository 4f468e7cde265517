//! Reads and writes WAV files.

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;

/// A sound: samples from -1 to 1, with interleaved channels.
pub(super) struct Sound {
    pub(super) sample_rate: u32,
    pub(super) channels: usize,
    pub(super) samples: Vec<f32>,
}

impl Sound {
    pub(super) fn frames(&self) -> usize {
        self.samples.len() / self.channels
    }

    pub(super) fn seconds(&self) -> f64 {
        self.frames() as f64 / f64::from(self.sample_rate)
    }
}

/// Decodes a WAV file of 8, 16, 24 or 32-bit PCM, or 32 or 64-bit floats.
pub(super) fn read(bytes: &[u8]) -> Result<Sound, String> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err("not a WAV file; this server reads no other format".into());
    }
    let mut format = None;
    let mut at = 12;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let end = (at + 8).saturating_add(length).min(bytes.len());
        let body = &bytes[at + 8..end];
        match &head[..4] {
            b"fmt " => format = Some(Format::read(body)?),
            b"data" => return format.ok_or("the WAV file has no format before its data")?.decode(body),
            _ => {}
        }
        // Chunks start at even offsets.
        at = end + length % 2;
    }
    Err("the WAV file has no data".into())
}

struct Format {
    encoding: u16,
    channels: u16,
    sample_rate: u32,
    bits: u16,
}

impl Format {
    fn read(body: &[u8]) -> Result<Self, String> {
        let short = |at: usize| body.get(at..at + 2).map(|field| u16::from_le_bytes([field[0], field[1]]));
        let read = || {
            let mut encoding = short(0)?;
            if encoding == EXTENSIBLE {
                encoding = short(24)?;
            }
            Some(Self {
                encoding,
                channels: short(2)?,
                sample_rate: u32::from(short(4)?) | u32::from(short(6)?) << 16,
                bits: short(14)?,
            })
        };
        let format: Self = read().ok_or("the format of the WAV file is truncated")?;
        if format.channels == 0 || format.sample_rate == 0 {
            return Err("the WAV file has no channels or no sample rate".into());
        }
        Ok(format)
    }

    fn decode(&self, data: &[u8]) -> Result<Sound, String> {
        let convert: fn(&[u8]) -> f32 = match (self.encoding, self.bits) {
            (PCM, 8) => |b| (f32::from(b[0]) - 128.0) / 128.0,
            (PCM, 16) => |b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0,
            (PCM, 24) => |b| (i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8) as f32 / 8_388_608.0,
            (PCM, 32) => |b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32 / 2_147_483_648.0,
            (FLOAT, 32) => |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            (FLOAT, 64) => |b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32,
            (encoding, bits) => {
                return Err(format!("WAV encoding {encoding} with {bits} bits is not supported"));
            }
        };
        let samples: Vec<f32> = data.chunks_exact(usize::from(self.bits / 8)).map(convert).collect();
        let channels = usize::from(self.channels);
        if samples.len() < channels {
            return Err("the WAV file has no samples".into());
        }
        Ok(Sound { sample_rate: self.sample_rate, channels, samples })
    }
}

/// Encodes one channel as 16-bit PCM.
pub(super) fn write_mono(sample_rate: u32, samples: impl ExactSizeIterator<Item = f32>) -> Vec<u8> {
    let length = samples.len() as u32 * 2;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    for field in [PCM, 1] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for field in [sample_rate, sample_rate * 2] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for field in [2u16, 16] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    for sample in samples {
        file.extend_from_slice(&((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_sound_decodes_to_the_same_samples() {
        let file = write_mono(8000, [0.0, 0.5, -0.5, 1.0].into_iter());
        let sound = read(&file).expect("a WAV file");
        assert_eq!((sound.sample_rate, sound.channels, sound.frames()), (8000, 1, 4));
        assert!((sound.samples[1] - 0.5).abs() < 1e-3 && (sound.samples[2] + 0.5).abs() < 1e-3);
    }

    #[test]
    fn samples_of_8_and_24_bits_are_decoded() {
        let mut file = write_mono(8000, [0.0].into_iter());
        file[34] = 24;
        file.truncate(44);
        file.extend_from_slice(&[0, 0, 0x40, 0, 0, 0xc0]);
        file[40..44].copy_from_slice(&6u32.to_le_bytes());
        assert_eq!(read(&file).expect("a WAV file").samples, [0.5, -0.5]);
        file[34] = 8;
        file.truncate(44);
        file.extend_from_slice(&[128, 192, 64]);
        file[40..44].copy_from_slice(&3u32.to_le_bytes());
        assert_eq!(read(&file).expect("a WAV file").samples, [0.0, 0.5, -0.5]);
    }

    #[test]
    fn other_formats_are_errors() {
        assert!(read(b"ID3 something").is_err());
        let mut file = write_mono(8000, [0.0].into_iter());
        file[20] = 85;
        assert!(read(&file).err().expect("an error").contains("encoding 85"));
    }
}
