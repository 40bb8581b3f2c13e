"""The research pages: what a walk-forward found and how much of it is luck, as HTML that opens offline.

The look and the escaping are those of the backtest's report; the drawings are SVG written here, so that these pages
carry no script at all.

    drawing      axes, curves, bands, bars: figures as SVG
    heat         maps of a figure over two parameters
    record       the panel of a track record, which the backtest's report shows too
    sections     the parts of a walk-forward's page
    page         the page, and the file
"""
