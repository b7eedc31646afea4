// Package content fills virtual iPhones with the lives of invented people:
// databases with the tables of iOS, photos with thumbnails, applications and
// their files, and everything that makes trouble: odd names, links, empty
// files, attributes, files that are only in iCloud.
//
// Make furnishes a phone, Churn lets its owner live a day, Compare says how
// two phones differ, for instance before and after a restore. All of it
// follows from a seed.
package content
