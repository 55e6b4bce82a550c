// On every page: the design system's own behaviour (error summary focus, character count, header menu, file upload).
import { initAll } from "./nhsuk/nhsuk-frontend.min.js";

initAll();
