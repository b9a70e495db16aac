#!/usr/bin/env bash
# Draws the PNGs from icon.svg. They are committed: run this only after a change of the drawing.
set -euo pipefail
cd "$(dirname "$0")"
page=$(mktemp --suffix .html)
trap 'rm -f "$page"' EXIT
for size in 16 32 48 128; do
  printf '<body style="margin:0;background:transparent">%s' "$(sed "s/<svg /<svg width=\"$size\" height=\"$size\" style=\"display:block\" /" icon.svg)" >"$page"
  chromium --headless --no-sandbox --hide-scrollbars --default-background-color=00000000 --window-size="$size,$size" --screenshot="$PWD/$size.png" "file://$page" >/dev/null 2>&1
done
