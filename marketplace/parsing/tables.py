"""Read a table that somebody uploaded, CSV or XLSX, row by row, without trusting it."""

import csv
import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import openpyxl

from marketplace.parsing.draft_fields import ProblemError

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_UNPACKED = 200 * 1024 * 1024
MOST_ROWS = 100_000
MOST_COLUMNS = 200
LONGEST_CELL = 32_767
ENCODINGS = ("utf-8-sig", "gb18030")
Row = tuple[int, list[object]]


def read_table(file: BinaryIO, name: str) -> Iterator[Row]:
    """Yield each row that is not empty with its number in the file, as a person counts: the first is 1.

    :raises ProblemError: if it is no table, or too large a one
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size == 0:
        raise ProblemError("empty_file", "文件是空的。", "The file is empty.")
    if size > LARGEST_FILE:
        most = LARGEST_FILE // 1024**2
        raise ProblemError("too_large", f"文件超过 {most} MB。", f"The file is larger than {most} MB.")
    start = file.read(4)
    file.seek(0)
    if start == b"PK\x03\x04":
        rows = _read_xlsx(file)
    elif name.lower().endswith((".xlsx", ".xls")) or start == b"\xd0\xcf\x11\xe0":
        raise ProblemError(
            "not_a_table",
            "这不是有效的 XLSX 文件（旧版 .xls 请另存为 .xlsx）。",
            "This is no XLSX file (save an old .xls as .xlsx).",
        )
    else:
        rows = _read_csv(file)
    count = 0
    for number, cells in rows:
        if all(cell in (None, "") for cell in cells):
            continue
        count += 1
        if count > MOST_ROWS + 1:
            raise ProblemError("too_many_rows", f"最多 {MOST_ROWS} 行。", f"At most {MOST_ROWS} rows.")
        yield number, cells


def _read_csv(file: BinaryIO) -> Iterator[Row]:
    content = file.read()
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ProblemError(
            "unknown_encoding",
            "无法识别编码：请另存为 UTF-8 或 GB18030。",
            "Unknown encoding: save the file as UTF-8 or GB18030.",
        )
    if "\x00" in text:
        raise ProblemError("not_a_table", "这不是 CSV 或 XLSX 文件。", "This is neither a CSV nor an XLSX file.")
    first_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    # A row may span lines (a text with line breaks); its number is the one of the row, as spreadsheets count.
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells[:MOST_COLUMNS]]
    except csv.Error as error:
        line = reader.line_num
        raise ProblemError("not_a_table", f"第 {line} 行无法读取。", f"Line {line} cannot be read: {error}.") from error


def _read_xlsx(file: BinaryIO) -> Iterator[Row]:
    try:
        _refuse_bomb(file)
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations that we do not read.
            warnings.simplefilter("ignore")
            # A formula stays the text it is: nothing of a stranger's file is computed.
            workbook = openpyxl.load_workbook(file, read_only=True, data_only=False)
            sheet = workbook.worksheets[0]
            # The size a sheet says of itself may be wrong, in both directions.
            sheet.reset_dimensions()
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield number, [_plain(cell) for cell in cells[:MOST_COLUMNS]]
    except (ProblemError, GeneratorExit):
        raise
    except Exception as error:  # openpyxl meets a broken file with whatever breaks first
        raise ProblemError("not_a_table", "这不是有效的 XLSX 文件。", "This is no XLSX file.") from error


def _refuse_bomb(file: BinaryIO) -> None:
    """Refuse a small file that unpacks to gigabytes, which its table of contents says before anything is unpacked."""
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST_UNPACKED:
            raise ProblemError("too_large", "文件解压后过大。", "The file is too large once unpacked.")
    file.seek(0)


def _plain(cell: object) -> object:
    if isinstance(cell, str):
        return cell[:LONGEST_CELL].strip()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if isinstance(cell, dt.time | dt.timedelta):
        return str(cell)
    return cell
