"""Makes the logos of this folder with Pillow 13.0.0 and segno 1.6.6, which is how other people's
programs write them, and checks with Pillow what each one shows. Run it in this folder, in an
environment that has both. The files are committed, because a test must not need Python; the tests
that read them are in src/logo/tests.

Each shows a panel of 64 by 48 pixels: red, green, blue and white, in the order of reading.
"""

import io
import struct

import segno
from PIL import Image, ImageOps

RED, GREEN, BLUE, WHITE = (200, 30, 40), (20, 140, 60), (30, 60, 160), (250, 250, 250)


def panel(size=(64, 48), colors=(RED, GREEN, BLUE, WHITE)):
    width, height = size
    image = Image.new("RGB", size)
    for index, color in enumerate(colors):
        corner = (index % 2 * width // 2, index // 2 * height // 2)
        image.paste(color, (*corner, corner[0] + width // 2, corner[1] + height // 2))
    return image


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def keep(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return data


def shows(data, expected=panel(), off=12):
    """Pillow, which reads JPEG by libjpeg-turbo and WebP by libwebp, sees the panel, too."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert image.size == expected.size, image.size
    for x, y in [(10, 10), (50, 10), (10, 38), (50, 38)]:
        pair = zip(image.getpixel((x, y)), expected.getpixel((x, y)))
        assert all(abs(a - b) <= off for a, b in pair), (x, y, image.getpixel((x, y)))


def cmyk(image):
    """All four inks, as a printer separates: black is what the other three share."""
    out = Image.new("CMYK", image.size)
    for x in range(image.width):
        for y in range(image.height):
            inks = [255 - channel for channel in image.getpixel((x, y))]
            black = min(inks)
            share = 255 - black
            rest = [0 if share == 0 else round((ink - black) * 255 / share) for ink in inks]
            out.putpixel((x, y), (*rest, black))
    return out


def segments(data):
    """Each segment before the picture, as (its place, its marker, its length)."""
    at = 2
    while data[at + 1] != 0xDA:
        length = struct.unpack(">H", data[at + 2 : at + 4])[0] + 2
        yield at, data[at + 1], length
        at += length


def main():
    image = panel()
    shows(keep("plain.jpg", jpeg(image)))
    shows(keep("progressive.jpg", jpeg(image, progressive=True, subsampling=2)))
    shows(keep("untransformed.jpg", jpeg(image, keep_rgb=True)))
    keep("grey.jpg", jpeg(image.convert("L")))

    # Pillow writes CMYK as Adobe's programs do: inverted, and with their segment APP14.
    adobe = keep("cmyk-adobe.jpg", jpeg(cmyk(image)))
    shows(adobe)
    # Without the segment the same inks are as they are. Pillow inverts them again, so it cannot
    # judge.
    at, _, length = next(one for one in segments(adobe) if one[1] == 0xEE)
    inverted = Image.merge("CMYK", [ImageOps.invert(band) for band in cmyk(image).split()])
    plain = jpeg(inverted)
    keep("cmyk-plain.jpg", plain[:at] + plain[at + length :])
    # YCCK: the first three inks as luma and chroma. Pillow writes no such file, but reads it; so
    # its four bands are written as if they were inks, and the segment says what they are.
    cyan, magenta, yellow, black = cmyk(image).split()
    luma = Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    bands = [ImageOps.invert(band) for band in luma] + [black]
    ycck = bytearray(jpeg(Image.merge("CMYK", bands)))
    at, _, length = next(one for one in segments(ycck) if one[1] == 0xEE)
    ycck[at + length - 1] = 2
    shows(keep("ycck.jpg", bytes(ycck)))

    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        # How the stored picture is turned back, so the other way round.
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    for orientation in range(1, 9):
        stored = image.transpose(turned[orientation]) if orientation in turned else image
        exif = Image.Exif()
        exif[0x0112] = orientation
        shows(keep(f"orientation-{orientation}.jpg", jpeg(stored, exif=exif)))
        if orientation == 6:
            for name, options in [("turned.webp", {"lossless": True}), ("turned.png", {})]:
                out = io.BytesIO()
                stored.save(out, name.rsplit(".")[1], exif=exif, **options)
                shows(keep(name, out.getvalue()))

    def webp(name, picture, **options):
        picture.save(name, "WEBP", **options)
        return open(name, "rb").read()

    shows(webp("lossy.webp", image, quality=90))
    clear = image.convert("RGBA")
    clear.paste((0, 0, 0, 0), (32, 24, 64, 48))
    webp("clear.webp", clear, quality=90)
    webp("clear-lossless.webp", clear, lossless=True)
    frames = [image, panel(colors=(WHITE, BLUE, GREEN, RED))]
    frames[0].save("animated.webp", save_all=True, append_images=frames[1:], lossless=True)

    clear.save("clear.png", optimize=True)
    image.quantize(4).save("palette.png", optimize=True)
    image.convert("L").convert("I;16").point(lambda value: value * 257).save("grey-16.png")
    # More than is kept, of few bytes.
    large = panel((5000, 4000)).quantize(4)
    large.save("large.png", optimize=True)
    keep("large.jpg", jpeg(panel((4800, 400)).convert("L"), optimize=True))
    segno.make("studio", error="l").save("code.svg", scale=4, dark="#1b3a57", border=0)


main()
