import { documentPlace } from './place.ts';

/** https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/ */
declare const SwaggerUIBundle: (options: {
  url: string;
  domNode: HTMLElement;
  deepLinking: boolean;
  displayRequestDuration: boolean;
  validatorUrl: null;
}) => void;

const place = await documentPlace();
if (place)
  SwaggerUIBundle({
    url: place.url,
    domNode: place.element,
    deepLinking: true,
    displayRequestDuration: true,
    // Else the document would be sent to a validator elsewhere.
    validatorUrl: null,
  });
