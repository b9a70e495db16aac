// Paths of Lucide (licenses/lucide.txt), drawn 16 px wide in the colour of the text.
const paths = {
  plus: "M5 12h14M12 5v14",
  send: "m5 12 7-7 7 7M12 19V5",
  stop: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z",
  copy: "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2zM4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2",
  check: "M20 6 9 17l-5-5",
  menu: "M4 5h16M4 12h16M4 19h16",
  close: "M18 6 6 18M6 6l12 12",
  logout: "m16 17 5-5-5-5M21 12H9M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4",
  clock: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20M12 6v6l4 2",
  working: "M12 2v4M16.2 7.800l2.900-2.900M18 12h4M16.200 16.200l2.900 2.900M12 18v4M4.900 19.100l2.900-2.900M2 12h4M4.900 4.900l2.900 2.900",
  done: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20M16 9l-5.500 5.500L8 12",
  failed: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20M15 9l-6 6M9 9l6 6",
  warning: "m21.730 18-8-14a2 2 0 0 0-3.480 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.730-3M12 9v4M12 17h.010",
  down: "M12 5v14M19 12l-7 7-7-7",
  users: "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2M16 3.128a4 4 0 0 1 0 7.744M22 21v-2a4 4 0 0 0-3-3.870M9 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
  list: "M11 5h10M11 12h10M11 19h10M4 4h1v5M4 9h2M6.500 20H3.400c0-1 2.600-1.925 2.600-3.500a1.500 1.500 0 0 0-2.600-1.020",
  again: "M3 12a9 9 0 1 0 9-9 9.750 9.750 0 0 0-6.740 2.740L3 8M3 3v5h5",
  edit: "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.830l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.320a2 2 0 0 0 .830-.497zM15 5l4 4",
  site: "M15 3h6v6M10 14 21 3M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6",
  power: "M12 2v10M18.400 6.600a9 9 0 1 1-12.770.040",
  chart: "M3 3v16a2 2 0 0 0 2 2h16M18 17V9M13 17V5M8 17v-3",
  browser: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20M12 2a14.500 14.500 0 0 0 0 20 14.500 14.500 0 0 0 0-20M2 12h20",
  webhook: "M18 16.980h-5.990c-1.100 0-1.950.940-2.480 1.900A4 4 0 0 1 2 17c.010-.7.2-1.400.570-2M6 17l3.130-5.780c.530-.970.1-2.180-.5-3.100a4 4 0 1 1 6.890-4.060M12 6l3.130 5.730C15.660 12.700 16.900 13 18 13a4 4 0 0 1 0 8",
  pack: "M11 21.730a2 2 0 0 0 2 0l7-4A2 2 0 0 0 21 16V8a2 2 0 0 0-1-1.730l-7-4a2 2 0 0 0-2 0l-7 4A2 2 0 0 0 3 8v8a2 2 0 0 0 1 1.730zM12 22V12M3.290 7 12 12l8.710-5M7.500 4.270l9 5.150",
  audit: "M3 12a9 9 0 1 0 9-9 9.750 9.750 0 0 0-6.740 2.740L3 8M3 3v5h5M12 7v5l4 2",
  settings: "M10 5H3M12 19H3M14 3v4M16 17v4M21 12h-9M21 19h-5M21 5h-7M8 10v4M8 12H3",
  filter: "M2 5h20M6 12h12M9 19h6",
  download: "M12 15V3M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4M7 10l5 5 5-5",
  circle: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20",
  up: "M12 19V5M5 12l7-7 7 7",
  search: "m21 21-4.340-4.340M11 3a8 8 0 1 0 0 16 8 8 0 0 0 0-16",
  keyboard: "M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2M6 8h.010M10 8h.010M14 8h.010M18 8h.010M8 12h.010M12 12h.010M16 12h.010M7 16h10",
};

/** The name of an icon. */
export type IconName = keyof typeof paths;

/** An icon beside a word; it says nothing by itself, so it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
