//! Pictures for the demo, drawn here so that no image files are shipped: a soft background and a simple
//! shape per product.

/// A square PNG of `side` pixels. `hue` picks the colours, `shape` the figure.
pub fn product(side: u32, hue: u32, shape: u32) -> anyhow::Result<Vec<u8>> {
    let mut pixels = Vec::with_capacity(usize::try_from(side * side * 3).unwrap_or(0));
    let (back, front, dark) = (colour(hue, 235, 20), colour(hue, 150, 90), colour(hue, 90, 80));
    for y in 0..side {
        for x in 0..side {
            let pixel = match figure(side, x, y, shape) {
                0 => back,
                1 => front,
                _ => dark,
            };
            pixels.extend_from_slice(&pixel);
        }
    }
    encode(side, side, &pixels)
}

/// A page that stands for a scanned document: lines of text on paper.
pub fn document(hue: u32) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (600, 400);
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let frame = x < 12 || y < 12 || x >= width - 12 || y >= height - 12;
            let line = y % 40 > 26 && y > 90 && (60..width - 60 - (y / 40 * 37) % 140).contains(&x);
            let title = (50..70).contains(&y) && (180..420).contains(&x);
            pixels.extend_from_slice(&if frame || title {
                colour(hue, 150, 90)
            } else if line {
                [170, 170, 170]
            } else {
                [252, 251, 247]
            });
        }
    }
    encode(width, height, &pixels)
}

fn figure(side: u32, x: u32, y: u32, shape: u32) -> u8 {
    let half = i64::from(side / 2);
    let (dx, dy) = (i64::from(x) - half, i64::from(y) - half);
    let size = half * 6 / 10;
    let inside = match shape % 4 {
        // a bowl
        0 => dy > -size / 4 && dx * dx + (dy + size / 4) * (dy + size / 4) < size * size,
        // a box
        1 => dx.abs() < size && dy.abs() < size * 7 / 10,
        // a jar
        2 => dx.abs() < size * 6 / 10 + (dy + size).clamp(0, size / 5) && dy.abs() < size,
        // a disc
        _ => dx * dx + dy * dy < size * size,
    };
    let band = (dy + size / 3).abs() < size / 10 || (dx + dy).rem_euclid(size.max(1)) < size / 14;
    match (inside, band) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

/// A colour by hue (0–359), lightness of the brightest part (0–255) and strength (0–100), in integers.
fn colour(hue: u32, light: u32, strength: u32) -> [u8; 3] {
    [0, 120, 240].map(|shift| {
        let angle = (hue + 360 - shift) % 360;
        let near = 180 - angle.min(360 - angle);
        let full = near * 255 / 180;
        u8::try_from((light * (100 - strength) + light * full / 255 * strength) / 100).unwrap_or(255)
    })
}

fn encode(width: u32, height: u32, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_of_its_size() {
        let png = product(64, 30, 0).unwrap();
        assert_eq!(infer::get(&png).map(|kind| kind.mime_type()), Some("image/png"));
        let size = imagesize::blob_size(&png).unwrap();
        assert_eq!((size.width, size.height), (64, 64));
    }
}
