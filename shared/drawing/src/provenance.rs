//! What a picture says about where it comes from: IPTC's digital source type, in the XMP of the file.
//! Platforms read it to label what a model made.
//!
//! Sources: IPTC's photo metadata standard and its vocabulary "digital source type"; XMP
//! specification, part 3, for the chunk of a PNG.

use domain::JobId;

/// The size of a PNG's signature and of its first chunk, `IHDR`, which comes before all others.
const BEFORE_CHUNKS: usize = 8 + 25;

/// How a picture came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The canvas drew it, which learned from no data.
    Drawn,
    /// The canvas set text over a picture that a model made.
    PaintedByAModel,
}

impl Source {
    /// The name in IPTC's vocabulary.
    fn name(self) -> &'static str {
        match self {
            Self::Drawn => "algorithmicMedia",
            Self::PaintedByAModel => "compositeWithTrainedAlgorithmicMedia",
        }
    }
}

/// `png` with the label that `source` and the job made it. The label says nothing of a person or a
/// tenant.
pub(crate) fn labelled(mut png: Vec<u8>, source: Source, job: JobId) -> Vec<u8> {
    let label = chunk(&xmp(source, job));
    if png.len() >= BEFORE_CHUNKS {
        png.splice(BEFORE_CHUNKS..BEFORE_CHUNKS, label);
    }
    png
}

fn xmp(source: Source, job: JobId) -> String {
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" dc:identifier="urn:uuid:{}" xmp:CreatorTool="Eventzr Studio" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{}"/></rdf:RDF></x:xmpmeta>"#,
        job.0,
        source.name()
    )
}

/// An `iTXt` chunk with XMP, not compressed: its length, type, keyword, content and checksum.
fn chunk(xmp: &str) -> Vec<u8> {
    let mut typed = b"iTXtXML:com.adobe.xmp\0\0\0\0\0".to_vec();
    typed.extend_from_slice(xmp.as_bytes());
    let length = u32::try_from(typed.len() - 4).unwrap_or(u32::MAX);
    let checksum = crc32fast::hash(&typed);
    [
        &length.to_be_bytes()[..],
        &typed[..],
        &checksum.to_be_bytes()[..],
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use uuid::Uuid;

    use super::*;

    /// A picture of one pixel, by the encoder that others use.
    fn pixel() -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = png::Encoder::new(&mut bytes, 1, 1);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[7]).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn other_readers_find_what_made_a_picture_and_which_job() {
        let job = JobId(Uuid::from_u128(7));
        for (source, name) in [
            (Source::Drawn, "algorithmicMedia"),
            (
                Source::PaintedByAModel,
                "compositeWithTrainedAlgorithmicMedia",
            ),
        ] {
            let file = labelled(pixel(), source, job);
            let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
            let mut pixels = [0];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, [7], "the picture itself is as it was");

            let texts = &reader.info().utf8_text;
            assert_eq!(texts[0].keyword, "XML:com.adobe.xmp");
            let xmp = texts[0].get_text().unwrap();
            let document = roxmltree::Document::parse(&xmp).unwrap();
            let described = document.descendants().find(|node| {
                node.has_tag_name(("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "Description"))
            });
            let described = described.unwrap();
            assert_eq!(
                described.attribute((
                    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
                    "DigitalSourceType"
                )),
                Some(format!("http://cv.iptc.org/newscodes/digitalsourcetype/{name}").as_str())
            );
            assert_eq!(
                described.attribute(("http://purl.org/dc/elements/1.1/", "identifier")),
                Some("urn:uuid:00000000-0000-0000-0000-000000000007")
            );
        }
    }
}
