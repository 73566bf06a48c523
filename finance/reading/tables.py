"""Read a table of hundreds of thousands of rows, CSV (plain or gzipped) or XLSX, row by row, without trusting it."""

import csv
import datetime as dt
import io
import itertools
import warnings
import zipfile
import zlib
from collections.abc import Iterator

import openpyxl

from finance.reading.problems import FileRefused

LARGEST_UNPACKED = 512 * 1024**2
MOST_ROWS = 2_000_000
MOST_COLUMNS = 100
LONGEST_CELL = 5000
ENCODINGS = ("utf-8-sig", "gb18030")
Row = tuple[int, list]

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def unpack(content: bytes) -> bytes:
    """Return what was gzipped, or the content itself; a bomb is noticed before it is unpacked whole.

    :raises FileRefused: if it is empty, broken or too large

    >>> import gzip
    >>> unpack(gzip.compress(b"a,b"))
    b'a,b'
    """
    if not content:
        raise FileRefused("empty_file", "文件是空的。", "The file is empty.")
    if not content.startswith(GZIP):
        return content
    packed = zlib.decompressobj(wbits=31)
    try:
        plain = packed.decompress(content, LARGEST_UNPACKED + 1)
    except zlib.error as error:
        raise FileRefused("not_a_table", "无法解压此文件。", "The file cannot be unpacked.") from error
    if len(plain) > LARGEST_UNPACKED:
        most = LARGEST_UNPACKED // 1024**2
        raise FileRefused("too_large", f"文件解压后超过 {most} MB。", f"Unpacked, the file is larger than {most} MB.")
    if not packed.eof:
        raise FileRefused("not_a_table", "文件不完整。", "The file was cut short.")
    return plain


def read_table(content: bytes) -> Iterator[Row]:
    r"""Yield each row with its number in the file, as a person counts: the first is 1; rows of blanks are left out.

    :raises FileRefused: if it is no table, or too large a one

    >>> list(read_table("日期,金额\n\n2026-01-05, 12.5\n".encode()))
    [(1, ['日期', '金额']), (3, ['2026-01-05', ' 12.5'])]
    """
    content = unpack(content)
    if content.startswith(OLD_EXCEL):
        raise FileRefused("not_a_table", "旧版 .xls 请另存为 .xlsx。", "Save an old .xls as .xlsx.")
    rows = _read_xlsx(content) if content.startswith(ZIP) else _read_csv(decode(content))
    for count, row in enumerate(rows):
        if count > MOST_ROWS:
            raise FileRefused("too_many_rows", f"最多 {MOST_ROWS} 行。", f"At most {MOST_ROWS} rows.")
        yield row


def decode(content: bytes) -> str:
    """Return the text of UTF-8, with or without a mark at its start, or of GB 18030.

    :raises FileRefused: if it is neither
    """
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise FileRefused("not_a_table", "这不是 CSV 或 XLSX 文件。", "This is neither a CSV nor an XLSX file.")
        return text
    raise FileRefused(
        "unknown_encoding",
        "无法识别编码：请另存为 UTF-8 或 GB18030。",
        "Unknown encoding: save the file as UTF-8 or GB18030.",
    )


def _read_csv(text: str) -> Iterator[Row]:
    first_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for number, cells in enumerate(reader, start=1):
            if cells and any(map(str.strip, cells)):
                yield number, cells
    except csv.Error as error:
        line = reader.line_num
        raise FileRefused("not_a_table", f"第 {line} 行无法读取。", f"Line {line} cannot be read: {error}.") from error


def _read_xlsx(content: bytes) -> Iterator[Row]:
    try:
        _refuse_bomb(content)
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations that we do not read.
            warnings.simplefilter("ignore")
            # A formula stays the text it is: nothing of a stranger's file is computed.
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            sheet = workbook.worksheets[0]
            # The size a sheet says of itself may be wrong, in both directions.
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                row = [_plain(cell) for cell in itertools.islice(cells, MOST_COLUMNS)]
                if any(row):
                    yield number, row
    except (FileRefused, GeneratorExit):
        raise
    except Exception as error:  # openpyxl meets a broken file with whatever breaks first
        raise FileRefused("not_a_table", "这不是有效的 XLSX 文件。", "This is no XLSX file.") from error


def _refuse_bomb(content: bytes) -> None:
    """Refuse a small file that unpacks to gigabytes, which its table of contents says before anything is unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED:
            raise FileRefused("too_large", "文件解压后过大。", "The file is too large once unpacked.")


def _plain(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell[:LONGEST_CELL]
    if isinstance(cell, float):
        # What a person sees of 943.4000000000001; whole numbers without a point.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    return str(cell)
