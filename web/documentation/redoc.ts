import { documentPlace } from './place.ts';

/** https://redocly.com/docs/redoc/config */
declare const Redoc: {
  init(url: string, options: Record<string, unknown>, element: HTMLElement): void;
};

const place = await documentPlace();
if (place)
  Redoc.init(
    place.url,
    {
      // It runs in a worker made of text, which the page's policy forbids.
      disableSearch: true,
      hideDownloadButton: false,
      nativeScrollbars: true,
      scrollYOffset: 44,
    },
    place.element,
  );
