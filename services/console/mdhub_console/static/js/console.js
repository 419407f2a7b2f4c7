// Starts what every page has. Pages with islands load their own module beside this one.
import { startAges } from "./ages.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startOrders } from "./orders.js";
import { startSearch } from "./search.js";
import { startTheme } from "./theme.js";

startTheme();
startKeys();
startSearch();
startAges();
startOrders();
startLive();
