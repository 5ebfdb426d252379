//! What campaigns play: Asterisk brings sounds with it, FreeSWITCH does not.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The message of the tests' campaigns, as Asterisk's sounds have it.
const NAME: &str = "vm-goodbye";
const SECONDS: u32 = 1;
const RATE: u32 = 8_000;

/// Writes it as a WAV file.
pub(super) fn write(folder: &Path) -> Result<()> {
    // 200 Hz, as the carrier's hum.
    let high = |sample: u32| sample % 40 < 20;
    let samples = (0..RATE * SECONDS).map(|n| if high(n) { 8_000_i16 } else { -8_000 });
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let path = folder.join(format!("{NAME}.wav"));
    fs::write(&path, wav(&data)?).with_context(|| format!("writing {}", path.display()))
}

/// One channel of 16 bits.
fn wav(data: &[u8]) -> Result<Vec<u8>> {
    let size = u32::try_from(data.len()).context("a sound's size")?;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + size).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    // Two bytes for each sample, of 16 bits.
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(size.to_le_bytes());
    file.extend(data);
    Ok(file)
}
