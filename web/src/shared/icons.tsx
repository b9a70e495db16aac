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
  power: "M12 2v10M18.400 6.600a9 9 0 1 1-12.770.040",
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
